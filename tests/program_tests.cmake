# Included at the end of a folder whose tests run the whole program, and not a unit of it. They wait
# much: they begin before the units, so that there is always something to compute beside them.
get_property(tests DIRECTORY PROPERTY TESTS)
set_property(TEST ${tests} APPEND PROPERTY LABELS program)
set_property(TEST ${tests} PROPERTY COST 10)

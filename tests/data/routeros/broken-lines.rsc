/ip pool
add name=a ranges=10.0.0.1-10.0.0.9
add name="open ranges=10.0.0.1
add name=bad\qescape
add name="bad \q escape" \
    ranges=10.0.0.3
add name=b ranges=10.0.0.20
:if (1 = ) do={ nothing }
/ip pool print
add name=c ranges=[ :pick
add name=d ranges=10.0.0.30

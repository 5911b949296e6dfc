#!/usr/bin/awk -f
# The last lines that each failed test printed: failures.awk LastTestsFailed.log LastTest.log
# Of a run with many tests side by side, their output stands far above the closing lines.
FNR == NR {
  sub(/^[0-9]+:/, "")
  failed[$0] = 1
  next
}
/^[0-9]+\/[0-9]+ Test: / {
  name = $0
  sub(/^[0-9]+\/[0-9]+ Test: /, "", name)
  shown = name in failed
  count = 0
}
/^<end of output>$/ && shown {
  print "\n" name " ended with:"
  for (i = count > 12 ? count - 12 : 0; i < count; ++i) print "  " lines[i]
  shown = 0
}
shown { lines[count++] = $0 }

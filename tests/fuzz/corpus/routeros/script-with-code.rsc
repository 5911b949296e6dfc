# written by hand: what stands in blocks depends on the router
/ip pool
add name=first ranges=192.0.2.10-192.0.2.19   # behind a row
:local names {"a"; "b"}
:foreach name in=$names do={
  :if ([:len [/ip pool find name=$name]] = 0) do={
    /ip pool add name=$name ranges=192.0.2.20
  } else={
    :log info "there is
a pool called $name"
  }
}
:onerror failure {
  :local row [/ip/pool/get [find name=($names->0)] ranges]; $report $row (1, 2)
} do={ :put $failure }
/interface/bridge/remove [find name=old]
:if ($unclear &&& true) do={
  /ip pool add name=never ranges=192.0.2.30
}
:if (true) do={
/ip pool
add name=second ranges=192.0.2.40

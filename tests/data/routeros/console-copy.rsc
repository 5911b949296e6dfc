[admin@edge-1] > /export
# 2026-05-01 12:00:00 by RouterOS 7.20.8
# software id = ABCD-1234
#
# model = RB5009UPr+S+IN
/interface bridge
add name=bridge1
/ip pool
add name=lab ranges=192.0.2.100-192.0.2.199
/ip route
add blackhole dst-address=198.51.100.0/24
/routing table
add disabled=no fib name=uplink-2
[admin@edge-1] > /ip/dhcp-server export
/ip dhcp-server
add address-pool=lab interface=bridge1 name=lab
[admin@edge-1] > 

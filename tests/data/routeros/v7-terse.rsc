# 2026-03-11 08:20:00 by RouterOS 7.16.1
# system id = AbCdEfGhIjK
#
/interface ethernet set [ find default-name=ether1 ] disable-running-check=no
/ip pool add name=dhcp_pool0 ranges=172.16.5.2-172.16.5.254
/ip dhcp-server add address-pool=dhcp_pool0 interface=ether2 name=dhcp1
/ip address add address=172.16.5.1/24 interface=[ find default-name=ether2 ] network=172.16.5.0
/ip dhcp-server lease add address=172.16.5.20 comment="a [bracket], a {brace} and a # sign" mac-address=0C:00:00:00:00:20 server=dhcp1
/ip dhcp-server network add address=172.16.5.0/24 comment="" gateway=172.16.5.1
/interface list member add interface=*F list=WAN
/container config set registry-url=https://registry.example.net tmpdir=disk1/pull

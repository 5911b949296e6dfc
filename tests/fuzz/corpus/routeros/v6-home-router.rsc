# jan/14/2024 21:07:33 by RouterOS 6.49.10
# software id = ABCD-1234
#
# model = RB750Gr3
# serial number = 000000000000
/interface bridge
add admin-mac=48:8F:5A:00:00:01 auto-mac=no comment=defconf name=bridge
/interface ethernet
set [ find default-name=ether1 ] comment="to the \"provider\", 100\$ a month" name=\
    ether1-wan
set [ find default-name=ether5 ] disabled=yes
/interface list
add comment=defconf name=WAN
add comment=defconf name=LAN
/interface wireless security-profiles
set [ find default=yes ] supplicant-identity=MikroTik
/ip dhcp-server option
add code=66 name=tftp-server value="s'192.168.88.5'"
add code=67 name=boot-bios value="'undionly.kpxe'"
add code=43 name=vendor value=0x0104C0A85805
/ip dhcp-server option sets
add name=boot options=tftp-server,boot-bios
/ip pool
add name=default-dhcp ranges=192.168.88.10-192.168.88.254
/ip dhcp-server
add address-pool=default-dhcp disabled=no interface=bridge name=defconf
/interface bridge port
add bridge=bridge comment=defconf interface=ether2
add bridge=bridge comment=defconf interface=ether3
add bridge=bridge comment=defconf interface=ether4
/ip neighbor discovery-settings
set discover-interface-list=LAN
/interface list member
add comment=defconf interface=bridge list=LAN
add comment=defconf interface=ether1-wan list=WAN
/ip address
add address=192.168.88.1/24 comment=defconf interface=bridge network=\
    192.168.88.0
/ip dhcp-client
add comment=defconf disabled=no interface=ether1-wan
/ip dhcp-server lease
add address=192.168.88.20 client-id=1:52:54:0:12:34:56 mac-address=\
    52:54:00:12:34:56 server=defconf
add address=192.168.88.21 comment="the printer: \C3\9Cbersee; 2nd floor \
    (left)" lease-time=1d mac-address=52:54:00:12:34:57 server=defconf
/ip dhcp-server network
add address=192.168.88.0/24 boot-file-name=undionly.kpxe comment=defconf \
    dns-server=192.168.88.1 domain=lan.example gateway=192.168.88.1 netmask=24 \
    next-server=192.168.88.5
/ip dns
set allow-remote-requests=yes servers=198.51.100.53,203.0.113.53
/ip dns static
add address=192.168.88.1 comment=defconf name=router.lan
add address=192.168.88.5 name=boot.lan.example ttl=5m
add regexp=".*\\.ads\\.example\$" address=127.0.0.1
/ip firewall filter
add action=accept chain=input comment=\
    "defconf: accept established,related,untracked" connection-state=\
    established,related,untracked
add action=drop chain=input comment="defconf: drop all not coming from LAN" \
    in-interface-list=!LAN
# in/out-interface matcher not possible when interface (ether5) is slave
add action=accept chain=forward in-interface=ether4
/ip tftp
add ip-addresses=192.168.88.0/24 real-filename=disk1/undionly.kpxe req-filename=\
    undionly.kpxe
/system clock
set time-zone-name=Europe/Vienna
/system script
add dont-require-permissions=no name=report owner=admin policy=\
    ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon source=":l\
    ocal count [:len [/ip dhcp-server lease find dynamic=yes]]\r\
    \n:log info (\"leases: \" . \$count)\r\
    \n:if (\$count > 100) do={\r\
    \n\_\_:log warning \"many\"\r\
    \n}"
/tool mac-server
set allowed-interface-list=LAN

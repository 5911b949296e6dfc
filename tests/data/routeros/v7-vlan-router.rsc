# 2026-03-11 08:15:42 by RouterOS 7.18.2
# software id = EFGH-5678
#
# model = RB5009UPr+S+
# serial number = HD00000000A
/interface bridge
add ingress-filtering=no name=bridge1 vlan-filtering=yes
/interface ethernet
set [ find default-name=ether1 ] comment=uplink
set [ find default-name=sfp-sfpplus1 ] auto-negotiation=no speed=10G-baseSR-LR
/interface vlan
add interface=bridge1 name=vlan10-servers vlan-id=10
add interface=bridge1 name=vlan20-bmc vlan-id=20
/interface list
add name=WAN
/ip dhcp-server option
add code=67 name=efi64 value="s'ipxe.efi'"
add code=67 force=yes name=http-boot value="s'http://192.0.2.10/boot/ipxe.efi\?\
    arch=x64'"
add code=60 name=http-client value="s'HTTPClient'"
/ip dhcp-server option sets
add name=uefi options=efi64
add name=uefi-http options=http-boot,http-client
/ip pool
add name=pool-servers ranges=10.10.0.100-10.10.0.199,10.10.0.210
add name=pool-bmc ranges=10.20.0.0/25
/ip dhcp-server
add address-pool=pool-servers interface=vlan10-servers lease-time=1w2d name=\
    servers
# DHCP server can not run on slave interface!
add address-pool=pool-bmc disabled=yes interface=vlan20-bmc name=bmc
/ip dhcp-server matcher
add address-pool=pool-servers code=93 name=uefi-x64 option-set=uefi server=\
    servers value=0x0007
add address-pool=pool-servers code=60 matching-type=substring name=http-x64 \
    option-set=uefi-http server=servers value=HTTPClient:Arch:00016
/port
set 0 name=serial0
/interface bridge port
add bridge=bridge1 interface=ether2 pvid=10
add bridge=bridge1 frame-types=admit-only-vlan-tagged interface=sfp-sfpplus1
/interface bridge vlan
add bridge=bridge1 tagged=bridge1,sfp-sfpplus1 vlan-ids=10
add bridge=bridge1 tagged=bridge1,sfp-sfpplus1 untagged=ether3 vlan-ids=20-22
/ip address
add address=10.10.0.1/24 interface=vlan10-servers network=10.10.0.0
add address=10.20.0.1/24 interface=vlan20-bmc network=10.20.0.0
/ip dhcp-server lease
add address=10.10.0.11 comment=\
    "node-1 \E2\80\94 rack A, unit 4; ask before you switch it off" \
    mac-address=AA:BB:CC:00:00:11 server=servers
add address=10.10.0.12 dhcp-option-set=uefi mac-address=AA:BB:CC:00:00:12 \
    server=servers
add address=10.10.0.13 block-access=yes !insert-queue-before mac-address=\
    AA:BB:CC:00:00:13
add address=pool-bmc client-id=ff:12:34 disabled=yes
/ip dhcp-server network
add address=10.10.0.0/24 dns-server=10.10.0.1,198.51.100.53 domain=\
    servers.example.net gateway=10.10.0.1 next-server=192.0.2.10 ntp-server=\
    10.10.0.1
add address=10.20.0.0/24 dns-none=yes gateway=10.20.0.1
/ip dns static
add address=10.10.0.11 name=node-1.servers.example.net ttl=5m type=A
add address=2001:db8:10::11 name=node-1.servers.example.net type=AAAA
add cname=node-1.servers.example.net name=www.servers.example.net type=CNAME
add forward-to=10.10.0.53 match-subdomain=yes name=corp.example type=FWD
/ip firewall address-list
add address=10.10.0.0/24 list=boot-clients
add address=192.0.2.10 comment="the boot service" list=boot-servers
/ip service
set telnet disabled=yes
set www-ssl certificate=edge-1 disabled=no
/ip tftp
add ip-addresses=10.10.0.0/24 real-filename=boot/ipxe.efi req-filename=\
    "(ipxe|snponly)\\.efi"
/ipv6 address
add address=2001:db8:10::1 interface=vlan10-servers
/ipv6 nd
set [ find default=yes ] disabled=yes
add interface=vlan10-servers managed-address-configuration=yes \
    other-configuration=yes
/system identity
set name=edge-1
/system scheduler
add interval=1d name=nightly on-event=":do {\r\
    \n  /system backup save name=\"night \$[/system clock get date]\"\r\
    \n} on-error={ :log error \"no backup\" }" policy=\
    ftp,reboot,read,write,policy,test start-date=2026-01-01 start-time=03:00:00

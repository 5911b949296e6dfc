# apr/02/2023 10:00:00 by RouterOS 7.8
# software id = 
#
/ip pool
add name=lan ranges=192.168.7.50-192.168.7.99
/ip dhcp-server
add add-arp=no address-pool=lan allow-dual-stack-queue=yes always-broadcast=no \
    authoritative=yes bootp-lease-time=forever bootp-support=static \
    conflict-detection=yes delay-threshold=none dhcp-option-set="" disabled=no \
    insert-queue-before=first interface=ether2 lease-script="" lease-time=10m \
    name=lan parent-queue=none relay=0.0.0.0 server-address=0.0.0.0 use-radius=\
    no
/ip dhcp-server config
set accounting=yes interim-update=0s store-leases-disk=5m
/ip dhcp-server lease
add address=192.168.7.20 address-lists="" client-id="" !dhcp-option \
    dhcp-option-set="" disabled=no !insert-queue-before mac-address=\
    52:54:00:00:07:20 !parent-queue !queue-type server=lan
/ip dhcp-server network
add address=192.168.7.0/24 boot-file-name="" caps-manager="" dhcp-option="" \
    dhcp-option-set="" dns-server=192.168.7.1 domain="" gateway=192.168.7.1 \
    !next-server ntp-server="" wins-server=""
/ip address
add address=192.168.7.1/24 disabled=no interface=ether2 network=192.168.7.0

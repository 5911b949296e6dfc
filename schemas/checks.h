#pragma once

#include <span>
#include <string_view>

#include "schemas/error.h"

/// Every check of a document has an id, which stands at the end of its message and never changes:
/// people search for it and CI filters by it. `docs/reference/checks.md` is made from this table,
/// and a check cannot be reported without standing here.
namespace metalwright {

struct Check {
  std::string_view id;
  Severity severity = Severity::error;
  std::string_view rule;  ///< what holds when the check passes
};

/// The checks of one kind, for the reference.
struct CheckGroup {
  std::string_view about;
  std::span<const Check* const> checks;
};

/// All of them, in the order of the reference.
[[nodiscard]] std::span<const CheckGroup> check_groups();

namespace checks {

inline constexpr Check kYamlEncoding{
    "yaml-encoding", Severity::error,
    "a file is UTF-8; UTF-16, UTF-32 and bytes that are not UTF-8 are refused"};
inline constexpr Check kYamlControlCharacter{
    "yaml-control-character", Severity::error,
    "a file holds no NUL, no control characters, no bare carriage return and no invisible or "
    "reordering characters"};
inline constexpr Check kYamlSize{"yaml-size", Severity::error,
                                 "a file has at most 100 MiB, a value at most 64 KiB"};
inline constexpr Check kYamlSyntax{"yaml-syntax", Severity::error, "a file is well-formed YAML"};
inline constexpr Check kYamlTab{"yaml-tab", Severity::error, "YAML is not indented with tabs"};
inline constexpr Check kYamlDepth{"yaml-depth", Severity::error,
                                  "values are nested at most 32 levels deep"};
inline constexpr Check kYamlDuplicateKey{"yaml-duplicate-key", Severity::error,
                                         "a key stands once in its mapping"};
inline constexpr Check kYamlKey{"yaml-key", Severity::error,
                                "a key is plain text, not a list, a mapping or an alias"};
inline constexpr Check kYamlTag{
    "yaml-tag", Severity::error,
    "values carry no tags other than !!str, !!seq and !!map; types come from the schema"};
inline constexpr Check kYamlAlias{
    "yaml-alias", Severity::error,
    "an alias names an anchor that stands before it in the same file"};
inline constexpr Check kYamlAliasLimit{"yaml-alias-limit", Severity::error,
                                       "the aliases of a file stand for at most 2,000,000 values"};
inline constexpr Check kYamlMerge{"yaml-merge", Severity::error,
                                  "`<<` merges mappings into a mapping"};
inline constexpr Check kYamlDocuments{"yaml-documents", Severity::error,
                                      "a file holds one document"};
inline constexpr Check kYamlDirective{"yaml-directive", Severity::error,
                                      "a file has no directives other than one %YAML"};
inline constexpr Check kYamlEmpty{
    "yaml-empty", Severity::error,
    "a file that is read has some content: an empty one is more often an accident than a wish"};

inline constexpr Check kType{"type", Severity::error,
                             "a value is a text, a list or a mapping, as the schema says"};
inline constexpr Check kUnknownKey{"unknown-key", Severity::error,
                                   "keys are those that the schema knows, or begin with `x-`"};
inline constexpr Check kMissingKey{"missing-key", Severity::error,
                                   "what the schema requires is there"};
inline constexpr Check kValueMissing{"value-missing", Severity::error,
                                     "a key that is there has a value"};
inline constexpr Check kNullValue{
    "null-value", Severity::error,
    "`~` and `null` are not written for text: leave the key out, or quote it"};
inline constexpr Check kTextSize{"text-size", Severity::error,
                                 "a text is not longer than what will hold it"};
inline constexpr Check kControlCharacter{
    "control-character", Severity::error,
    "a text holds no control characters, line ends or invisible characters"};
inline constexpr Check kNameFormat{
    "name-format", Severity::error,
    "a name is 1 to 63 letters, digits, `-`, `_` and `.`, and begins with a letter or digit"};
inline constexpr Check kNumberFormat{
    "number-format", Severity::error,
    "a number is written in decimal digits, without leading zeros, and within its limits"};
inline constexpr Check kBooleanFormat{"boolean-format", Severity::error,
                                      "a switch is `true` or `false`"};
inline constexpr Check kChoice{"choice", Severity::error,
                               "a value is one of the words that the schema lists"};
inline constexpr Check kDurationFormat{
    "duration-format", Severity::error,
    "a length of time is a whole number and a unit: 30s, 45m, 12h, 2d, 1w"};
inline constexpr Check kTimeFormat{
    "time-format", Severity::error,
    "a time of day is HH:MM, a point in time is 2030-01-31T12:00:00Z"};
inline constexpr Check kHostnameFormat{"hostname-format", Severity::error,
                                       "a host name is as RFC 1123 says"};
inline constexpr Check kMacFormat{"mac-format", Severity::error,
                                  "a MAC address is six octets in one of the usual spellings"};
inline constexpr Check kMacUsable{
    "mac-usable", Severity::error,
    "a MAC address is one that a machine can have: not multicast, not zero"};
inline constexpr Check kIpv4Format{
    "ipv4-format", Severity::error,
    "an IPv4 address is four decimal numbers from 0 to 255, without leading zeros"};
inline constexpr Check kIpv6Format{"ipv6-format", Severity::error,
                                   "an IPv6 address is as RFC 4291 says"};
inline constexpr Check kIpFormat{"ip-format", Severity::error,
                                 "an IP address is one of either family"};
inline constexpr Check kPrefixFormat{"prefix-format", Severity::error,
                                     "a prefix is an address without host bits and a length"};
inline constexpr Check kRangeFormat{"range-format", Severity::error,
                                    "a range is two addresses, the first not above the last"};
inline constexpr Check kRouteFormat{"route-format", Severity::error,
                                    "a route's destination is `default` or a prefix"};
inline constexpr Check kSecretFormat{
    "secret-format", Severity::error,
    "a secret is written `{secret: NAME}`; its value stands in no file of the repository"};
inline constexpr Check kUrlFormat{
    "url-format", Severity::error,
    "an address is an absolute URL of a scheme that is understood there"};
inline constexpr Check kSha256Format{"sha256-format", Severity::error,
                                     "a SHA-256 is 64 hexadecimal digits"};
inline constexpr Check kPathFormat{"path-format", Severity::error,
                                   "a path stays beneath its folder: relative, without `..`"};
inline constexpr Check kInterfaceName{
    "interface-name", Severity::error,
    "an interface's name is 1 to 15 bytes without blanks, `/` or `:`"};
inline constexpr Check kDhcpServerFormat{
    "dhcp-server-format", Severity::error,
    "`dhcp.server` is dnsmasq, external, proxy, none or routeros:<target>"};
inline constexpr Check kListenFormat{
    "listen-format", Severity::error,
    "an address to listen at is `[::]:8000`, `192.0.2.1:8000` or `:8000`"};
inline constexpr Check kReloadFormat{
    "reload-format", Severity::error,
    "a reload is `systemd:UNIT`, `pidfile:PATH`, `command:PROGRAM …` or none"};
inline constexpr Check kStateFormat{"state-format", Severity::error,
                                    "the state is `sqlite:PATH` or `postgresql://…`"};
inline constexpr Check kGitFormat{
    "git-format", Severity::error,
    "a repository is a path or a file://, http://, https:// or ssh:// address"};
inline constexpr Check kSerialFormat{
    "serial-format", Severity::error,
    "a serial number is printable text without blanks at its ends"};

inline constexpr Check kInventoryMissing{
    "inventory-missing", Severity::error,
    "there is an `inventory.yaml`, or an `inventory` folder with YAML files"};
inline constexpr Check kInventoryEmpty{"inventory-empty", Severity::warning,
                                       "the inventory names servers"};
inline constexpr Check kFileExtension{"file-extension", Severity::error,
                                      "files that are meant to be read end in `.yaml`"};
inline constexpr Check kFileIgnored{"file-ignored", Severity::warning,
                                    "YAML files lie where they are read"};
inline constexpr Check kDuplicateName{"duplicate-name", Severity::error,
                                      "a server, network, cluster or profile is defined once"};
inline constexpr Check kDuplicateHostname{"duplicate-hostname", Severity::error,
                                          "a host name belongs to one server"};
inline constexpr Check kDuplicateMac{"duplicate-mac", Severity::error,
                                     "a MAC address belongs to one interface"};
inline constexpr Check kDuplicateIp{"duplicate-ip", Severity::error,
                                    "an IP address belongs to one interface"};
inline constexpr Check kDuplicateSerial{"duplicate-serial", Severity::error,
                                        "a serial number belongs to one server"};
inline constexpr Check kHostnameKey{
    "hostname-key", Severity::error,
    "a server without `hostname` has a name that is one, but for `_`"};
inline constexpr Check kHostnameUnderscore{
    "hostname-underscore", Severity::warning,
    "a server whose name holds `_` has a `hostname`, since host names hold none"};
inline constexpr Check kIpOutsideNetwork{
    "ip-outside-network", Severity::error,
    "an address with a prefix length fits the network that it overlaps"};
inline constexpr Check kIpInRange{
    "ip-in-range", Severity::error,
    "a fixed address lies outside the DHCP range, whose addresses any machine may get"};
inline constexpr Check kReservationInRange{
    "reservation-in-range", Severity::warning,
    "the address of an interface with a MAC lies outside the DHCP range too, though nobody else "
    "gets it"};
inline constexpr Check kIpReserved{
    "ip-reserved", Severity::error,
    "an address is not the network's own, its broadcast address or its gateway"};
inline constexpr Check kIpUsable{
    "ip-usable", Severity::error,
    "an address is one that a machine can have: not unspecified, loopback or multicast"};
inline constexpr Check kIpNoNetwork{"ip-no-network", Severity::warning,
                                    "an IPv4 address has a prefix length or lies in a network"};
inline constexpr Check kUnknownProfile{"unknown-profile", Severity::error,
                                       "a profile that is named exists"};
inline constexpr Check kUnknownCluster{"unknown-cluster", Severity::error,
                                       "a cluster that is named exists"};
inline constexpr Check kUnknownServer{"unknown-server", Severity::error,
                                      "a server that is named exists"};
inline constexpr Check kUnknownPeer{"unknown-peer", Severity::error,
                                    "an initial peer is a node of its cluster"};
inline constexpr Check kUnknownTemplate{"unknown-template", Severity::error,
                                        "a template that is named exists beneath `templates/`"};
inline constexpr Check kClusterMember{
    "cluster-member", Severity::error,
    "a server is a node of one cluster at most, once, and of no other than it names"};
inline constexpr Check kClusterAddress{"cluster-address", Severity::warning,
                                       "a node has the address of the server that it is"};
inline constexpr Check kClusterControlPlane{"cluster-control-plane", Severity::error,
                                            "a cluster has a control-plane node"};
inline constexpr Check kClusterEven{
    "cluster-even", Severity::warning,
    "a cluster has an odd number of control-plane nodes: an even one survives no more failures"};
inline constexpr Check kClusterBgp{
    "cluster-bgp", Severity::error,
    "`fiberlbBgp` has an AS number and a virtual address to announce"};
inline constexpr Check kVipConflict{
    "vip-conflict", Severity::error,
    "a virtual address is no node's, no server's and in no DHCP range"};
inline constexpr Check kNetworkOverlap{"network-overlap", Severity::error,
                                       "networks do not overlap"};
inline constexpr Check kNetworkGateway{"network-gateway", Severity::error,
                                       "a gateway is a host address of its network"};
inline constexpr Check kNetworkRange{
    "network-range", Severity::error,
    "a DHCP range lies within its network, without network, broadcast and gateway address"};
inline constexpr Check kNetworkDhcp{"network-dhcp", Severity::error,
                                    "a range has someone who gives its addresses"};
inline constexpr Check kNetworkPrefix{"network-prefix", Severity::error,
                                      "a network's prefix has room for hosts"};
inline constexpr Check kNetworkRouter{
    "network-router", Severity::error,
    "`routeros` stands in a network whose DHCP a router serves, `bridge` in one that has a VLAN"};
inline constexpr Check kLeaseTimeMin{
    "lease-time-min", Severity::error,
    "a lease is at least two minutes, the least that dnsmasq keeps"};
inline constexpr Check kVlanDuplicate{"vlan-duplicate", Severity::warning,
                                      "a VLAN id belongs to one network"};
inline constexpr Check kInterfaceRole{"interface-role", Severity::error,
                                      "a server has one `primary` interface"};
inline constexpr Check kInterfaceMember{
    "interface-member", Severity::error,
    "members of bonds and bridges, and links of VLANs, are interfaces of the server"};
inline constexpr Check kInterfaceDuplicate{"interface-duplicate", Severity::error,
                                           "an interface's name is defined once in a server"};
inline constexpr Check kInterfaceLoop{
    "interface-loop", Severity::error,
    "VLANs, bonds and bridges do not contain one another in a circle"};
inline constexpr Check kBondOption{"bond-option", Severity::error, "a bond's options fit its mode"};
inline constexpr Check kRouteVia{"route-via", Severity::error,
                                 "a route's gateway is of its destination's family"};
inline constexpr Check kProfileDefault{"profile-default", Severity::error,
                                       "at most one profile is the default"};
inline constexpr Check kProfileKernel{"profile-kernel", Severity::error,
                                      "a profile has a kernel, or a template that does without"};
inline constexpr Check kProfileVariable{
    "profile-variable", Severity::error,
    "parameters use ${mac}, ${uuid}, ${hostname} and ${ip}, and no other variables"};
inline constexpr Check kAssetUnchecked{"asset-unchecked", Severity::warning,
                                       "an asset that is downloaded names its sha256"};
inline constexpr Check kTemplateSize{"template-size", Severity::error,
                                     "a template is UTF-8 text of at most 1 MiB"};
inline constexpr Check kMoved{
    "moved", Severity::error,
    "`moved` leads from a name that is gone to a server that exists, each once"};

inline constexpr Check kTargetName{
    "target-name", Severity::error,
    "a target's name is lower-case letters, digits, `-`, `_` and `.`, and stands once"};
inline constexpr Check kTargetOption{
    "target-option", Severity::error,
    "a target has the options of its type, and those that the type needs"};
inline constexpr Check kUnknownTarget{"unknown-target", Severity::error,
                                      "a target that is named exists"};
inline constexpr Check kSourcePassword{
    "source-password", Severity::error,
    "a repository's address holds no password: a secret is named instead"};
inline constexpr Check kTargetOverlap{"target-overlap", Severity::error,
                                      "no two targets own the same path"};
inline constexpr Check kVerifySigners{"verify-signers", Severity::error,
                                      "`verify: signed` names the file of allowed signers"};
inline constexpr Check kSourceCredential{
    "source-credential", Severity::warning,
    "a credential belongs to the kind of address that the source has"};
inline constexpr Check kServiceAuth{
    "service-auth", Severity::error,
    "where the API needs no token, the networks that may use it are named"};
inline constexpr Check kServiceNotify{
    "service-notify", Severity::error,
    "each way to tell people has a name of its own, and is either a webhook or e-mail"};
inline constexpr Check kServiceCommitStatus{
    "service-commit-status", Severity::error,
    "a commit status names its repository at a forge whose address is known"};
inline constexpr Check kServiceTls{"service-tls", Severity::error,
                                   "a listener with TLS names its certificate and its key"};
inline constexpr Check kDnsmasqTftpRoot{"dnsmasq-tftp-root", Severity::warning,
                                        "dnsmasq serves a tree that something renders"};

inline constexpr Check kPathName{
    "path-name", Severity::error,
    "the names on a path that is read stay in their folder and hold no control characters"};
inline constexpr Check kPathSymlink{"path-symlink", Severity::error,
                                    "what is read is no symbolic link: none is followed"};
inline constexpr Check kPathSubmodule{"path-submodule", Severity::error,
                                      "what is read is no submodule: none is followed"};
inline constexpr Check kPathType{"path-type", Severity::error,
                                 "what is read is a file: no folder, device, pipe or socket"};
inline constexpr Check kPathDuplicate{"path-duplicate", Severity::error,
                                      "a name stands once in its folder"};
inline constexpr Check kPathDepth{"path-depth", Severity::error,
                                  "files that are read lie at most 16 folders deep"};
inline constexpr Check kPathCount{
    "path-count", Severity::error,
    "a revision has at most 100,000 files and folders to read, a folder a million entries"};
inline constexpr Check kPathSize{"path-size", Severity::error,
                                 "a file has at most 256 MiB, and all that are read 1 GiB"};

inline constexpr Check kRevisionNotFound{"revision-not-found", Severity::error,
                                         "a revision that is named exists"};
inline constexpr Check kRevisionAmbiguous{"revision-ambiguous", Severity::error,
                                          "the beginning of an id leads to one commit"};
inline constexpr Check kRevisionRange{"revision-range", Severity::error,
                                      "a range of revisions is `A..B` or `A...B`"};
inline constexpr Check kRevisionUnrelated{
    "revision-unrelated", Severity::error,
    "revisions that are compared from where they parted have a commit in common"};
inline constexpr Check kRewrittenHistory{"rewritten-history", Severity::error,
                                         "a branch goes on from the revision that was accepted "
                                         "last, unless `allow-force-push` says otherwise"};
inline constexpr Check kUnsignedCommit{"unsigned-commit", Severity::error,
                                       "with `verify: signed`, a commit is signed"};
inline constexpr Check kSignatureFormat{"signature-format", Severity::error,
                                        "a signature is one by an ssh key"};
inline constexpr Check kBadSignature{"bad-signature", Severity::error,
                                     "a signature is one of this very commit, made for git"};
inline constexpr Check kUnknownSigner{"unknown-signer", Severity::error,
                                      "the key of a signature is listed for that time and for git"};
inline constexpr Check kAllowedSigners{
    "allowed-signers", Severity::error,
    "the file of allowed signers can be read and has at most 1 MiB"};

inline constexpr Check kSourceAddress{
    "source-address", Severity::error,
    "the address of a repository is a path, a URL or `user@host:path`"};
inline constexpr Check kSourceUnsupported{
    "source-unsupported", Severity::error,
    "a repository is reached and stored in a way that is supported"};
inline constexpr Check kSourceNotFound{"source-not-found", Severity::error,
                                       "there is something at the address"};
inline constexpr Check kSourceNotARepository{
    "source-not-a-repository", Severity::error,
    "what is at the address is a repository, where a revision is asked for"};
inline constexpr Check kSourceEmpty{"source-empty", Severity::error, "a repository has a commit"};
inline constexpr Check kSourcePermission{"source-permission", Severity::error,
                                         "we may read the repository"};
inline constexpr Check kSourceChanged{"source-changed", Severity::error,
                                      "a file does not change while it is read"};
inline constexpr Check kSourceUnreachable{"source-unreachable", Severity::error,
                                          "a remote answers"};
inline constexpr Check kSourceTimeout{"source-timeout", Severity::error,
                                      "a remote answers in time"};
inline constexpr Check kSourceAuth{"source-auth", Severity::error, "a remote lets us in"};
inline constexpr Check kSourceHostKey{"source-host-key", Severity::error,
                                      "the key of an ssh host is in known_hosts"};
inline constexpr Check kSourceTls{
    "source-tls", Severity::error,
    "the certificate of a server is trusted, and https leads to https only"};
inline constexpr Check kSourceTooBig{"source-too-big", Severity::error,
                                     "a fetch brings at most 4 GiB"};
inline constexpr Check kSourceCache{"source-cache", Severity::error,
                                    "the clones of remotes can be written, and by us alone"};
inline constexpr Check kSourceStopped{"source-stopped", Severity::error,
                                      "a fetch is not stopped before its end"};
inline constexpr Check kGitRedirect{"git-redirect", Severity::error,
                                    "a repository has its objects and references in itself"};
inline constexpr Check kGitCorrupt{"git-corrupt", Severity::error,
                                   "the objects and references of a repository are whole"};
inline constexpr Check kParamText{
    "param-text", Severity::error,
    "a kernel parameter is one that each loader passes on unchanged: no control characters, no "
    "open quote, nothing that GRUB or iPXE takes for its own"};
inline constexpr Check kCommandLineLength{
    "command-line-length", Severity::error,
    "a kernel command line, with what the loaders add to it, has at most 2047 bytes"};
inline constexpr Check kBootVariable{
    "boot-variable", Severity::warning,
    "PXELINUX can fill in what a profile asks of a machine; where it cannot, the local disk boots"};
inline constexpr Check kMenuText{"menu-text", Severity::error,
                                 "a title is one that each boot menu can show as it is"};
inline constexpr Check kAssetName{"asset-name", Severity::error,
                                  "the kernel and initrds of a profile have different file names "
                                  "of letters, digits and `._+~@-`"};
inline constexpr Check kTemplateSyntax{"template-syntax", Severity::error,
                                       "a template is well-formed mustache without partials, with "
                                       "at most 16 nested sections and 64 KiB"};
inline constexpr Check kTemplateVariable{"template-variable", Severity::error,
                                         "a template names values that there are, and that the "
                                         "machine has; a section may ask for one that it has not"};
inline constexpr Check kTemplateGrowth{
    "template-growth", Severity::error,
    "the sections of a template do not repeat more than one machine could need"};
inline constexpr Check kNetplanText{"netplan-text", Severity::error,
                                    "what goes into netplan is one line of UTF-8"};
inline constexpr Check kWifiSsid{"wifi-ssid", Severity::error,
                                 "an SSID has 1 to 32 bytes and no control characters"};
inline constexpr Check kWifiPassword{
    "wifi-password", Severity::error,
    "the secret of a WiFi has 8 to 63 printable characters or 64 hexadecimal digits"};
inline constexpr Check kDhcpRangeOutside{
    "dhcp-range-outside", Severity::error,
    "a DHCP range that dnsmasq serves lies within its network"};
inline constexpr Check kDhcpHostName{
    "dhcp-host-name", Severity::error,
    "a reservation's host name is none that dnsmasq takes for a lease time or keyword"};
inline constexpr Check kDnsmasqIpv6Prefix{"dnsmasq-ipv6-prefix", Severity::error,
                                          "dnsmasq can advertise an IPv6 prefix of this length"};
inline constexpr Check kDnsmasqRa{"dnsmasq-ra", Severity::error,
                                  "what a network advertises fits its range"};
inline constexpr Check kIpv6RangeUnused{"ipv6-range-unused", Severity::warning,
                                        "an IPv6 range is one that machines get addresses from"};
inline constexpr Check kBootServerAddress{
    "boot-server-address", Severity::error,
    "a `boot-server` is an address, or a server that has one"};
inline constexpr Check kBootLoader{
    "boot-loader", Severity::warning,
    "the boot tree has the loader that a network's machines ask for"};
inline constexpr Check kDnsmasqValue{"dnsmasq-value", Severity::error,
                                     "a value is one that dnsmasq's configuration can hold"};
inline constexpr Check kDnsmasqLine{"dnsmasq-line", Severity::error,
                                    "a line of dnsmasq's configuration has at most 1023 bytes"};
inline constexpr Check kNetboxValue{"netbox-value", Severity::error,
                                    "a value is one that NetBox can hold"};

inline constexpr Check kTooManyErrors{"too-many-errors", Severity::error,
                                      "after 1,000 diagnostics the rest is only counted"};

}  // namespace checks
}  // namespace metalwright

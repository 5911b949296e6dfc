#include "schemas/checks.h"

#include <array>

namespace metalwright {
namespace {
using namespace checks;  // NOLINT: the table names all of them

constexpr std::array kTheTextOfAFile{&kYamlEncoding,     &kYamlControlCharacter,
                                     &kYamlSize,         &kYamlSyntax,
                                     &kYamlTab,          &kYamlDepth,
                                     &kYamlDuplicateKey, &kYamlKey,
                                     &kYamlTag,          &kYamlAlias,
                                     &kYamlAliasLimit,   &kYamlMerge,
                                     &kYamlDocuments,    &kYamlDirective,
                                     &kYamlEmpty};
constexpr std::array kTheShapeOfAFile{
    &kType,        &kUnknownKey,       &kMissingKey,       &kValueMissing,   &kNullValue,
    &kTextSize,    &kControlCharacter, &kNameFormat,       &kNumberFormat,   &kBooleanFormat,
    &kChoice,      &kDurationFormat,   &kTimeFormat,       &kHostnameFormat, &kMacFormat,
    &kMacUsable,   &kIpv4Format,       &kIpv6Format,       &kIpFormat,       &kPrefixFormat,
    &kRangeFormat, &kRouteFormat,      &kSecretFormat,     &kUrlFormat,      &kSha256Format,
    &kPathFormat,  &kInterfaceName,    &kDhcpServerFormat, &kListenFormat,   &kReloadFormat,
    &kStateFormat, &kGitFormat,        &kSerialFormat};
constexpr std::array kTheRepositoryAsAWhole{&kInventoryMissing,
                                            &kInventoryEmpty,
                                            &kFileExtension,
                                            &kFileIgnored,
                                            &kDuplicateName,
                                            &kDuplicateHostname,
                                            &kDuplicateMac,
                                            &kDuplicateIp,
                                            &kDuplicateSerial,
                                            &kHostnameKey,
                                            &kHostnameUnderscore,
                                            &kIpOutsideNetwork,
                                            &kIpInRange,
                                            &kReservationInRange,
                                            &kIpReserved,
                                            &kIpUsable,
                                            &kIpNoNetwork,
                                            &kUnknownProfile,
                                            &kUnknownCluster,
                                            &kUnknownServer,
                                            &kUnknownPeer,
                                            &kUnknownTemplate,
                                            &kClusterMember,
                                            &kClusterAddress,
                                            &kClusterControlPlane,
                                            &kClusterEven,
                                            &kClusterBgp,
                                            &kVipConflict,
                                            &kNetworkOverlap,
                                            &kNetworkGateway,
                                            &kNetworkRange,
                                            &kNetworkDhcp,
                                            &kNetworkPrefix,
                                            &kNetworkRouter,
                                            &kLeaseTimeMin,
                                            &kVlanDuplicate,
                                            &kInterfaceRole,
                                            &kInterfaceMember,
                                            &kInterfaceDuplicate,
                                            &kInterfaceLoop,
                                            &kBondOption,
                                            &kRouteVia,
                                            &kProfileDefault,
                                            &kProfileKernel,
                                            &kProfileVariable,
                                            &kAssetUnchecked,
                                            &kTemplateSize,
                                            &kMoved};
constexpr std::array kTheHostsConfiguration{&kTargetName,       &kTargetOption,   &kUnknownTarget,
                                            &kSourcePassword,   &kTargetOverlap,  &kVerifySigners,
                                            &kSourceCredential, &kDnsmasqTftpRoot, &kServiceAuth,
                                            &kServiceTls,       &kServiceNotify,
                                            &kServiceCommitStatus};
constexpr std::array kTheFilesOfARevision{&kPathName,  &kPathSymlink,   &kPathSubmodule,
                                          &kPathType,  &kPathDuplicate, &kPathDepth,
                                          &kPathCount, &kPathSize};
constexpr std::array kRevisionsAndSignatures{
    &kRevisionNotFound, &kRevisionAmbiguous, &kRevisionRange,   &kRevisionUnrelated,
    &kRewrittenHistory, &kUnsignedCommit,    &kSignatureFormat, &kBadSignature,
    &kUnknownSigner,    &kAllowedSigners};
constexpr std::array kReachingARepository{
    &kSourceAddress, &kSourceUnsupported, &kSourceNotFound, &kSourceNotARepository,
    &kSourceEmpty,   &kSourcePermission,  &kSourceChanged,  &kSourceUnreachable,
    &kSourceTimeout, &kSourceAuth,        &kSourceHostKey,  &kSourceTls,
    &kSourceTooBig,  &kSourceCache,       &kSourceStopped,  &kGitRedirect,
    &kGitCorrupt};
constexpr std::array kRendering{
    &kParamText,       &kCommandLineLength, &kBootVariable,   &kMenuText,          &kAssetName,
    &kTemplateSyntax,  &kTemplateVariable,  &kTemplateGrowth, &kNetplanText,       &kWifiSsid,
    &kWifiPassword,    &kDhcpRangeOutside,  &kDhcpHostName,   &kDnsmasqIpv6Prefix, &kDnsmasqRa,
    &kIpv6RangeUnused, &kBootServerAddress, &kBootLoader,     &kDnsmasqValue,      &kDnsmasqLine,
    &kNetboxValue};
constexpr std::array kTheReportingItself{&kTooManyErrors};

constexpr std::array kGroups{CheckGroup{"the text of a file", kTheTextOfAFile},
                             CheckGroup{"the shape of a file", kTheShapeOfAFile},
                             CheckGroup{"the repository as a whole", kTheRepositoryAsAWhole},
                             CheckGroup{"the host's configuration", kTheHostsConfiguration},
                             CheckGroup{"the files of a revision", kTheFilesOfARevision},
                             CheckGroup{"revisions and signatures", kRevisionsAndSignatures},
                             CheckGroup{"reaching a repository", kReachingARepository},
                             CheckGroup{"rendering", kRendering},
                             CheckGroup{"the reporting itself", kTheReportingItself}};
}  // namespace

std::span<const CheckGroup> check_groups() { return kGroups; }

}  // namespace metalwright

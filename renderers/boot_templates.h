#pragma once

#include <memory>
#include <vector>

#include "renderers/boot_site.h"

/// The user's own templates: a profile with `template: autoinstall.yaml` gives each machine that
/// boots it `configs/<profile>/<mac>` (as `${mac}` writes it), which is
/// `templates/autoinstall.yaml` filled in: a kickstart, cloud-init, Ignition or whatever the
/// kernel's parameters point to, such as
/// `<service url>/boot/configs/ubuntu/${mac}`.
///
/// Templates are mustache (mustache(5); partials aside). Nothing is escaped. The names:
///   name hostname short_hostname mac mac_dashes interface service_url profile
///   ip prefix_length netmask gateway network domain vlan dns        of the boot interface
///   ipv6 ipv6_prefix_length ipv6_gateway                            the same
///   cluster node.name node.role node.ip initial_peers               as a node of a cluster
///   serial manufacturer model site rack position role tenant console labels.<key>
///   services interfaces                                             lists, for sections
/// A list's items are texts (`{{.}}`); an interface has name, role, mac, mac_dashes, ip,
/// prefix_length, ipv6, ipv6_prefix_length, mtu, and is `primary` or a `bmc` or neither. Every item
/// that is not its list's last one has `more` (`{{.}}{{#more}}, {{/more}}`).
///
/// What a machine does not have can be asked for by a section (`{{#gateway}}…{{/gateway}}`,
/// `{{^gateway}}…{{/gateway}}`); as a value it is an error, and so is any other name.
///
/// Errors, at the tag in the template: `template-syntax`, `template-variable`, `template-growth`
/// where sections repeat more than a machine's file could need.
namespace metalwright::renderers {

class BootTemplates {
 public:
  explicit BootTemplates(const BootSite& site);
  ~BootTemplates();
  [[nodiscard]] Errors server(const ServerEntry& entry, const ArtifactSink& sink) const;
  /// What is wrong with the templates of the profiles, whoever boots them.
  [[nodiscard]] Errors site() const;

 private:
  struct Template;
  const BootSite& site_;
  /// As the profiles; null: it has none. Profiles share a template that both name.
  std::vector<std::shared_ptr<Template>> templates_;
};

}  // namespace metalwright::renderers

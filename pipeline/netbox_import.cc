#include "pipeline/netbox_import.h"

#include <utility>

#include "pipeline/import_mending.h"
#include "pipeline/netbox_import_facts.h"
#include "pipeline/secrets.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {

ImportedRepository import_netbox(const reconciler::NetboxExport& netbox) {
  ImportFacts facts(netbox);
  import_servers(facts);
  import_networks_and_clusters(facts);
  import_leftovers(facts);
  for (const auto& [kind, all] : netbox.unnamed) {
    for (const std::string& what : all) facts.note("{} {}", kind, what);
  }
  mend_import(facts.out);
  for (const auto& [what, count] : netbox.others) {
    facts.note("{} {}: not of a kind that a repository has", count, what);
  }
  return std::move(facts.out);
}

Result<reconciler::NetboxExport> read_netbox(const HostConfig& config, const std::string& target,
                                             std::stop_token stop) {
  const TargetConfig* found = nullptr;
  for (const TargetConfig& one : config.targets) {
    if (one.type != TargetType::netbox || (!target.empty() && one.name != target)) continue;
    if (found != nullptr) {
      return invalid("unknown-target", "there are several targets of type netbox: name one");
    }
    found = &one;
  }
  if (found == nullptr) {
    return invalid("unknown-target", target.empty()
                                         ? "there is no target of type netbox"
                                         : "there is no target of type netbox called " +
                                               metalwright::quoted(std::string_view(target)));
  }
  const Result<std::string> token = resolve_secret(config.secrets, found->token.name);
  if (!token) return tl::unexpected(token.error());
  reconciler::HttpOptions http;
  http.url = found->url;
  http.ca_file = found->ca_file;
  http.pin = found->pin;
  http.silence = found->timeout;
  http.authorization = reconciler::netbox_authorization(*token);
  auto client = reconciler::make_http_client(std::move(http));
  if (!client) return tl::unexpected(client.error());
  reconciler::NetboxApi api(std::move(*client));
  return reconciler::read_netbox_export(api, std::move(stop));
}

}  // namespace metalwright::pipeline

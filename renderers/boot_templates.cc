#include "renderers/boot_templates.h"

#include <fmt/format.h>

#include <kainjow/mustache.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "renderers/template_tags.h"
#include "schemas/checks.h"
#include "schemas/host_name.h"
#include "schemas/quote.h"

namespace metalwright::renderers {
namespace {

namespace mustache = kainjow::mustache;

// What one machine's file may take: bytes of values, and of the template's own text, which a
// section over a list repeats.
constexpr std::size_t kMostValueBytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t kMostOwnBytes = std::size_t{64} * 1024 * 1024;

/// Ends a rendering from inside the library; caught around the call.
struct Stop {
  Error error;
};

mustache::data text_or_none(std::string_view text) {
  return text.empty() ? mustache::data(false) : mustache::data(std::string(text));
}

/// A list whose items are `{value: …, more: …}`; an empty one is what sections take for false.
template <class Texts>
mustache::data list_of(const Texts& texts) {
  mustache::list list;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    mustache::data item;
    item.set("value", mustache::data(std::string(std::string_view(texts[i]))));
    item.set("more", mustache::data(i + 1 < texts.size()));
    list.push_back(std::move(item));
  }
  return mustache::data(list);
}

void set_ipv4(mustache::data& data, const std::optional<Ipv4Interface>& address,
              const Network* network) {
  std::string ip, length, netmask;
  if (address) {
    ip = address->address.text();
    if (address->length || network != nullptr) {
      const Ipv4Prefix prefix{address->address,
                              address->length ? *address->length : network->prefix.length};
      length = std::to_string(prefix.length);
      netmask = prefix.netmask().text();
    }
  }
  data.set("ip", text_or_none(ip));
  data.set("prefix_length", text_or_none(length));
  data.set("netmask", text_or_none(netmask));
}

void set_ipv6(mustache::data& data, const std::optional<Ipv6Interface>& address,
              const Network* network) {
  std::string ip, length;
  if (address) {
    ip = address->address.text();
    if (address->length || network != nullptr) {
      length = std::to_string(address->length ? *address->length : network->ipv6->prefix.length);
    }
  }
  data.set("ipv6", text_or_none(ip));
  data.set("ipv6_prefix_length", text_or_none(length));
}

mustache::data interfaces_of(const Model& model, const Server& server) {
  mustache::list list;
  for (const Interface& interface : server.interfaces) {
    const bool primary = server.primary() == &interface;
    const auto ipv4 = primary && server.ipv4 ? server.ipv4 : interface.ipv4;
    const auto ipv6 = primary && server.ipv6 ? server.ipv6 : interface.ipv6;
    mustache::data item;
    item.set("name", text_or_none(interface.name));
    item.set("role", text_or_none(interface.role));
    item.set("mac", text_or_none(interface.mac ? interface.mac->text() : ""));
    item.set("mac_dashes", text_or_none(interface.mac ? interface.mac->text('-') : ""));
    set_ipv4(item, ipv4, ipv4 ? model.network_of(ipv4->address) : nullptr);
    set_ipv6(item, ipv6, ipv6 ? model.network_of(ipv6->address) : nullptr);
    item.set("mtu", text_or_none(interface.mtu_bytes == 0 ? std::string()
                                                          : std::to_string(interface.mtu_bytes)));
    item.set("primary", mustache::data(primary));
    item.set("bmc", mustache::data(interface.bmc()));
    item.set("more", mustache::data(&interface != &server.interfaces.back()));
    list.push_back(std::move(item));
  }
  return mustache::data(list);
}

/// What depends on the server alone.
mustache::data server_data(const BootSite& site, const ServerEntry& entry, const Profile& profile) {
  const Server& server = *entry.server;
  mustache::data data;
  data.set("name", text_or_none(server.name));
  data.set("hostname", text_or_none(server.hostname));
  data.set("short_hostname", text_or_none(first_label(server.hostname)));
  data.set("profile", text_or_none(profile.name));
  data.set("service_url", text_or_none(site.settings->service_url));
  data.set("serial", text_or_none(server.serial));
  data.set("manufacturer", text_or_none(server.manufacturer));
  data.set("model", text_or_none(server.model));
  data.set("site", text_or_none(server.site));
  data.set("rack", text_or_none(server.rack));
  data.set("position",
           text_or_none(server.position == 0 ? std::string() : std::to_string(server.position)));
  data.set("role", text_or_none(server.role));
  data.set("tenant", text_or_none(server.tenant));
  data.set("console", text_or_none(server.boot == nullptr ? "" : server.boot->console.view()));
  data.set("services", list_of(server.services));
  data.set("interfaces", interfaces_of(*site.model, server));
  mustache::data labels;
  for (const Label& label : server.labels) {
    labels.set(std::string(label.key), mustache::data(std::string(label.value)));
  }
  data.set("labels", labels);
  const auto [cluster, node] = membership_of(*site.model, server);
  data.set("cluster", text_or_none(cluster == nullptr ? "" : cluster->name));
  data.set("initial_peers",
           cluster == nullptr ? mustache::data(false) : list_of(cluster->initial_peers));
  if (node == nullptr) {
    data.set("node", mustache::data(false));
  } else {
    mustache::data self;
    self.set("name", text_or_none(node->name));
    self.set("role", text_or_none(word(node->role)));
    self.set("ip", text_or_none(node->ip));
    data.set("node", self);
  }
  return data;
}

/// What depends on the interface that it boots from.
void set_machine(mustache::data& data, const Model& model, const BootMachine& machine) {
  const Server& server = machine.server();
  const Interface& interface = *machine.interface;
  const bool primary = server.primary() == &interface;
  const auto ipv4 = (primary ? server.ipv4 : interface.ipv4).has_value()
                        ? (primary ? server.ipv4 : interface.ipv4)
                        : (primary ? interface.ipv4 : server.ipv4);
  const auto ipv6 = (primary ? server.ipv6 : interface.ipv6).has_value()
                        ? (primary ? server.ipv6 : interface.ipv6)
                        : (primary ? interface.ipv6 : server.ipv6);
  const Network* network = ipv4 ? model.network_of(ipv4->address) : nullptr;
  const Network* network6 = ipv6 ? model.network_of(ipv6->address) : nullptr;
  data.set("mac", mustache::data(std::string(machine.mac)));
  data.set("mac_dashes", mustache::data(std::string(machine.mac_dashes)));
  data.set("interface", text_or_none(interface.name));
  set_ipv4(data, ipv4, network);
  set_ipv6(data, ipv6, network6);
  const Network* either = network != nullptr ? network : network6;
  data.set("network", text_or_none(either == nullptr ? "" : either->name));
  data.set("domain", text_or_none(either == nullptr ? "" : either->domain));
  data.set("vlan",
           text_or_none(either == nullptr || !either->vlan ? std::string()
                                                           : std::to_string(*either->vlan)));
  data.set("dns", either == nullptr ? mustache::data(false) : list_of(either->dns));
  data.set("gateway",
           text_or_none(network == nullptr || !network->gateway ? std::string()
                                                                : network->gateway->text()));
  data.set("ipv6_gateway", text_or_none(network6 == nullptr || !network6->ipv6->gateway
                                            ? std::string()
                                            : network6->ipv6->gateway->text()));
}

/// Looks names up, innermost section first, and refuses what mustache would pass over.
class StrictContext : public mustache::basic_context<std::string> {
 public:
  StrictContext(const mustache::data& data, const TaggedTemplate& tagged, const std::string& file)
      : tags_(tagged.tags),
        file_(file),
        stack_{&data},
        steps_left_(kMostOwnBytes / (tagged.text.size() + 1)) {}

  void push(const mustache::data* data) override {
    take_step({file_, 1, 1});
    stack_.push_back(data);
  }
  void pop() override { stack_.pop_back(); }
  const mustache::data* get_partial(const std::string&) const override { return nullptr; }

  const mustache::data* get(const std::string& marked) const override {
    const TemplateTag& tag = tags_.at(std::stoul(marked.substr(1)));
    const Origin origin{file_, tag.line, tag.column};
    take_step(origin);
    const mustache::data* found = find(tag.name);
    if (found == nullptr) {
      throw Stop{invalid(checks::kTemplateVariable.id,
                         fmt::format("{} is no name that templates know", quoted(tag.name)), origin)
                     .value()};
    }
    if (tag.kind == TagKind::variable && !found->is_string()) {
      const bool absent = found->is_false();
      throw Stop{invalid(checks::kTemplateVariable.id,
                         absent ? fmt::format("this machine has no {}; ask first, with {{{{#{}}}}}",
                                              quoted(tag.name), shown(tag.name))
                                : fmt::format("{} is no text but for a section", quoted(tag.name)),
                         origin)
                     .value()};
    }
    if (found->is_string()) {
      value_bytes_ += found->string_value().size();
      if (value_bytes_ > kMostValueBytes) stop_for_size(origin);
    }
    return found;
  }

 private:
  void take_step(const Origin& origin) const {
    if (steps_left_ == 0) stop_for_size(origin);
    --steps_left_;
  }

  [[noreturn]] static void stop_for_size(const Origin& origin) {
    throw Stop{
        invalid(checks::kTemplateGrowth.id, "the template grows too large for one machine", origin)
            .value()};
  }

  const mustache::data* find(const std::string& name) const {
    if (name == ".") {
      const mustache::data* value =
          stack_.back()->is_object() ? stack_.back()->get("value") : nullptr;
      return value != nullptr ? value : stack_.back();
    }
    static const mustache::data none(false);
    const std::size_t dot = name.find('.');
    for (auto at = stack_.rbegin(); at != stack_.rend(); ++at) {
      if (!(*at)->is_object()) continue;
      const mustache::data* found = (*at)->get(name.substr(0, dot));
      if (found == nullptr) continue;
      if (dot == std::string::npos) return found;
      if (found->is_false()) return &none;
      if (!found->is_object()) return nullptr;
      const mustache::data* member =
          found->get(name.substr(dot + 1));  // a label's key may have dots
      return member == nullptr && name.starts_with("labels.") ? &none : member;
    }
    return nullptr;
  }

  const std::vector<TemplateTag>& tags_;
  const std::string& file_;
  std::vector<const mustache::data*> stack_;
  mutable std::size_t steps_left_;
  mutable std::size_t value_bytes_ = 0;
};

}  // namespace

struct BootTemplates::Template {
  std::string file;
  TaggedTemplate tagged;
  std::optional<mustache::mustache> parsed;
  std::mutex mutex;  // the library's rendering is not const
  Errors errors;
};

BootTemplates::BootTemplates(const BootSite& site) : site_(site) {
  std::map<std::string_view, std::shared_ptr<Template>> by_name;
  for (const Profile& profile : site.model->profiles) {
    std::shared_ptr<Template>& made = templates_.emplace_back();
    if (profile.template_name.empty()) continue;
    std::shared_ptr<Template>& shared = by_name[profile.template_name];
    if (shared != nullptr) {
      made = shared;
      continue;
    }
    made = shared = std::make_shared<Template>();
    made->file = "templates/" + profile.template_name;
    const auto found = site.model->templates.find(profile.template_name);
    if (found == site.model->templates.end()) {
      made->errors.push_back(invalid(checks::kUnknownTemplate.id,
                                     fmt::format("profiles.{}.template: there is no file {}",
                                                 profile.name, quoted(made->file)),
                                     profile.template_origin)
                                 .value());
      continue;
    }
    Result<TaggedTemplate> tagged = tag_template(found->second, made->file);
    if (!tagged) {
      made->errors.push_back(std::move(tagged.error()));
      continue;
    }
    made->tagged = std::move(*tagged);
    made->parsed.emplace(made->tagged.text);
    if (!made->parsed->is_valid()) {
      made->errors.push_back(
          invalid(checks::kTemplateSyntax.id, made->parsed->error_message(), {made->file}).value());
    }
  }
}

BootTemplates::~BootTemplates() = default;

Errors BootTemplates::site() const {
  Errors errors;
  for (const std::shared_ptr<Template>& made : templates_) {
    if (made != nullptr) errors.insert(errors.end(), made->errors.begin(), made->errors.end());
  }
  return errors;
}

Errors BootTemplates::server(const ServerEntry& entry, const ArtifactSink& sink) const {
  const Profile* profile = profile_of(*site_.model, *entry.server);
  if (profile == nullptr) return {};
  Template* made = templates_[profile - site_.model->profiles.data()].get();
  if (made == nullptr) return {};
  if (!made->errors.empty()) return made->errors;
  Errors failures;
  mustache::data data = server_data(site_, entry, *profile);
  const BootProfile* const boots = site_.profile_of(*entry.server);
  Errors errors = for_each_boot_machine(site_, entry, boots, [&](const BootMachine& machine) {
    if (!failures.empty()) return;
    set_machine(data, *site_.model, machine);
    StrictContext context(data, made->tagged, made->file);
    std::string out;
    try {
      const std::lock_guard lock(made->mutex);
      struct Sink {
        std::string& out;
        Sink& operator<<(const std::string& text) {
          out += text;
          return *this;
        }
      } stream{out};
      made->parsed->render(context, stream);
    } catch (Stop& stop) {
      stop.error.context.push_back(
          fmt::format("rendering the template for servers.{}", entry.server->name.view()));
      failures.push_back(std::move(stop.error));
      return;
    }
    const std::string name = fmt::format("configs/{}/{}", profile->name, machine.mac);
    sink({.name = name, .content = out});
  });
  errors.insert(errors.end(), failures.begin(), failures.end());
  return errors;
}

}  // namespace metalwright::renderers

#include "pipeline/boot_sim.h"

#include <optional>

#include "pipeline/boot_path.h"
#include "pipeline/content_renderer.h"
#include "pipeline/explain.h"
#include "renderers/boot_rules.h"
#include "renderers/dhcp_answer.h"
#include "renderers/dnsmasq.h"

namespace metalwright::pipeline {
namespace {

using renderers::ClientKind;
using renderers::Format;

/// The index of the tree that a dnsmasq layout serves by TFTP; empty where it serves none of ours.
std::optional<std::size_t> served_tree(const HostConfig& config,
                                       const std::vector<TargetLayout>& layouts,
                                       const TargetLayout& dnsmasq) {
  for (std::size_t t = 0; t < layouts.size(); ++t) {
    const TargetConfig* target = config.find_target(layouts[t].name);
    if (target == nullptr || target->type != TargetType::files) continue;
    if (target->root == dnsmasq.settings.dnsmasq.tftp_root) return t;
  }
  return std::nullopt;
}

/// `efi64/grubx64.efi` of `http://host/boot/efi64/grubx64.efi`, without a query.
std::string path_in_tree(std::string_view url) {
  constexpr std::string_view kBoot = "/boot/";
  const std::size_t boot = url.find(kBoot);
  if (boot == std::string_view::npos) return std::string(url);
  url.remove_prefix(boot + kBoot.size());
  return std::string(url.substr(0, url.find('?')));
}

bool is_dnsmasq(const TargetLayout& layout) {
  return layout.formats.size() == 1 && layout.formats.front() == Format::dnsmasq;
}

class Simulation {
 public:
  Simulation(const HostConfig& config, const Compiled& compiled, MacAddress mac, ClientKind kind)
      : config_(config), compiled_(compiled), mac_(mac), kind_(kind) {}

  Result<SimulatedBoot> run() {
    const renderers::Machine machine = renderers::find_machine(*compiled_.model, mac_);
    say(mac_.text() + ": " +
        (machine.entry == nullptr ? std::string("unknown to the inventory")
                                  : std::string(machine.entry->server->name.view()) + " (" +
                                        compiled_.model->origin(*machine.entry).text() + ")") +
        ", as " + std::string(renderers::client_rule(kind_).what));
    bool answered = false;
    for (const TargetLayout& layout : compiled_.layouts) {
      if (!is_dnsmasq(layout)) continue;
      auto answers =
          renderers::dhcp_answers(*compiled_.model, layout.settings, mac_, machine, kind_);
      if (!answers) return tl::unexpected(answers.error());
      for (const renderers::DhcpAnswer& answer : *answers) {
        answered = true;
        follow(layout, answer);
      }
      if (answers->empty()) {
        if (const auto tree = served_tree(config_, compiled_.layouts, layout)) {
          say("target " + layout.name +
              " leases nothing; a DHCP server elsewhere names the loader");
          each_loader(*tree);
          answered = true;
        }
      }
    }
    if (!answered) {
      for (std::size_t t = 0; t < compiled_.layouts.size(); ++t) {
        if (compiled_.layouts[t].host_files.empty()) continue;
        say("no dnsmasq target: a DHCP server elsewhere names the loader");
        each_loader(t);
      }
    }
    return std::move(out_);
  }

 private:
  void say(std::string line) { out_.lines.push_back(std::move(line)); }
  void miss(std::string line) {
    out_.lines.push_back("  MISSING: " + std::move(line));
    out_.complete = false;
  }

  void follow(const TargetLayout& layout, const renderers::DhcpAnswer& answer) {
    say("network " + answer.network + ":" + (answer.proxy ? " proxy-DHCP" : ""));
    for (const std::string& why : answer.why) say("  " + why);
    if (answer.refused) return miss("no address: no reservation, and no range");
    if (answer.address) say("  address " + answer.address->text() + ", name " + answer.host_name);
    if (answer.boot_file.empty()) return say("  no boot file: it boots its local disk");
    say("  boot file " + answer.boot_file +
        (answer.next_server && !answer.url ? " from " + answer.next_server->text() : ""));
    const auto tree = served_tree(config_, compiled_.layouts, layout);
    if (answer.url) {
      // The service serves the tree beneath /boot/, and as menu.ipxe the machine's own script.
      if (tree) loader(*tree, path_in_tree(answer.boot_file));
      return;
    }
    if (!tree)
      return miss("dnsmasq serves '" + layout.settings.dnsmasq.tftp_root +
                  "', which is no target's tree");
    loader(*tree, answer.boot_file);
  }

  void each_loader(std::size_t tree) {
    for (const std::string& name : compiled_.layouts[tree].settings.boot_loaders) {
      const bool first = name == "undionly.kpxe" || name == "ipxe.efi" || name == "pxelinux.0" ||
                         name == "efi64/grubx64.efi";
      if (first) loader(tree, name);
    }
  }

  bool has(std::size_t tree, std::string_view path) const {
    return compiled_.state.targets[tree].table.find("file", path) != nullptr;
  }

  void loader(std::size_t tree, const std::string& name) {
    const std::string mac = mac_.text('-');
    // The menu goes on to the machine's own script.
    if (name.ends_with(".ipxe")) {
      return configuration(tree, "ipxe/" + mac + ".ipxe", "ipxe/menu.ipxe", Format::ipxe);
    }
    if (!has(tree, name)) return miss("the loader '" + name + "' is not in the tree");
    say("  loads " + name);
    if (name.find("pxelinux") != std::string::npos) {
      configuration(tree, "pxelinux.cfg/01-" + mac, "pxelinux.cfg/default", Format::pxelinux);
    } else if (name.find("grub") != std::string::npos) {
      configuration(tree, "efi64/grub.cfg-01-" + mac, "efi64/grub.cfg", Format::grub);
    } else {
      configuration(tree, "ipxe/" + mac + ".ipxe", "ipxe/menu.ipxe", Format::ipxe);
    }
  }

  void configuration(std::size_t tree, const std::string& own, const std::string& menu,
                     Format format) {
    const bool has_own = !own.empty() && has(tree, own);
    const std::string& path = has_own ? own : menu;
    if (!has(tree, path)) return miss("the configuration '" + path + "' is not in the tree");
    say("  reads " + path + (has_own ? ", its own" : ", the menu"));
    const ContentRenderer renderer(compiled_.state.targets[tree], *compiled_.model,
                                   compiled_.layouts[tree]);
    const auto content = renderer.content("file", path);
    if (!content) return miss(content.error().text());
    const std::vector<BootReference> references =
        boot_references(format, path, content->bytes, compiled_.layouts[tree].settings.service_url);
    const std::string chosen = has_own ? "" : menu_default(format, content->bytes);
    const auto by_itself = [&](const BootReference& reference) {
      return chosen.empty() || reference.item.empty() || reference.item == chosen;
    };
    if (!chosen.empty()) say("  takes '" + chosen + "' where nobody chooses another");
    bool boots = false;
    for (const BootReference& reference : references) {
      if (!by_itself(reference)) continue;
      boots = true;
      refer(tree, reference, "");
    }
    if (!boots) say("  boots its local disk");
    for (const BootReference& reference : references) {
      if (!by_itself(reference)) refer(tree, reference, "chosen '" + reference.item + "': ");
    }
  }

  void refer(std::size_t tree, const BootReference& reference, const std::string& when) {
    const std::string step = when + std::string(reference.step);
    if (has(tree, reference.path)) {
      say("  " + step + ' ' + reference.path);
    } else {
      miss(step + " '" + reference.path + "' is not in the tree");
    }
  }

  const HostConfig& config_;
  const Compiled& compiled_;
  MacAddress mac_;
  ClientKind kind_;
  SimulatedBoot out_;
};

}  // namespace

Result<SimulatedBoot> simulate_boot(const HostConfig& config, const Compiled& compiled,
                                    std::string_view what, std::string_view firmware) {
  std::optional<MacAddress> mac = parse_mac_address(what);
  const ServerEntry* entry = find_server(*compiled.model, what);
  if (!mac) {
    if (entry == nullptr) {
      return invalid("unknown-machine",
                     "'" + std::string(what) + "' is neither a MAC address nor a server's name");
    }
    const Interface* primary = entry->server->primary();
    if (primary == nullptr || !primary->mac) {
      return invalid("unknown-machine",
                     "server '" + std::string(what) + "' has no interface with a MAC address",
                     compiled.model->origin(*entry));
    }
    mac = primary->mac;
  }
  ClientKind kind = ClientKind::bios;
  if (!firmware.empty()) {
    const auto known = renderers::parse_client_kind(firmware);
    if (!known) {
      std::string words;
      for (const renderers::ClientRule& rule : renderers::client_rules()) {
        words += (words.empty() ? "" : ", ") + std::string(rule.word);
      }
      return invalid("unknown-firmware",
                     "'" + std::string(firmware) + "' is no firmware: wanted one of " + words);
    }
    kind = *known;
  } else if (entry != nullptr && entry->server->boot != nullptr &&
             entry->server->boot->firmware == Firmware::uefi) {
    kind = ClientKind::uefi;
  }
  return Simulation(config, compiled, *mac, kind).run();
}

Errors check_boot_answers(const Model& model, const std::vector<TargetLayout>& layouts,
                          const DesiredState& state, const HostConfig& config) {
  Errors errors;
  for (const TargetLayout& layout : layouts) {
    if (!is_dnsmasq(layout)) continue;
    const auto tree = served_tree(config, layouts, layout);
    if (!tree) continue;
    for (const Network& network : model.networks) {
      const bool served = renderers::leases_in(layout.settings, network) ||
                          renderers::proxies_in(layout.settings, network);
      if (!served) continue;
      const auto server = renderers::boot_server(model, network, layout.settings);
      if (!server) continue;  // the renderer said so
      for (const renderers::ClientRule& rule : renderers::client_rules()) {
        const renderers::BootFile file =
            renderers::boot_file(network, *server, layout.settings, rule.kind);
        if (file.url || file.name.empty()) continue;
        if (state.targets[*tree].table.find("file", file.name) != nullptr) continue;
        Error error;
        error.check = "boot-path";
        error.message = "networks." + network.name + ": " + std::string(rule.what) +
                        " is told to load '" + file.name +
                        "', which is not in the tree of target '" + layouts[*tree].name + "'";
        error.origin = network.origin;
        errors.push_back(std::move(error));
      }
    }
  }
  return errors;
}

}  // namespace metalwright::pipeline

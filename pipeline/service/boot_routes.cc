#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "pipeline/service/assets.h"
#include "pipeline/service/boot_script.h"
#include "pipeline/service/service.h"
#include "schemas/mac_address.h"
#include "schemas/quote.h"
#include "schemas/time.h"

/// What booting machines ask for. A menu is always a script that iPXE can run, and it says what was
/// decided and why: a machine that gets no script stands still with nobody to tell.
namespace metalwright::service {
namespace {

constexpr std::size_t kMostUuidBytes = 64;
constexpr std::chrono::seconds kFirstRevision{5};

void reply_script(Reply& reply, std::string script, int status = 200) {
  reply.status = status;
  reply.content_type = "text/plain; charset=utf-8";
  reply.header("Cache-Control", "no-store");
  reply.body = std::move(script);
}

std::string uuid_of(const Request& request) {
  const std::string* const uuid = request.query("uuid");
  if (uuid == nullptr || uuid->size() > kMostUuidBytes) return {};
  return *uuid;
}

/// Takes an install's one hand-out, and says what is booted instead where it is gone.
struct Handing {
  bool install = false;
  std::vector<std::string> words;
};

Handing hand_out(Service& service, const Request& request, const MachineBoot& boot,
                 const std::string& mac) {
  Handing handing;
  const Time now = service_time();
  const std::string again = fmt::format("for another one: metalwright reinstall {}", boot.subject);
  // A HEAD hands nothing out; it is told what a GET would be.
  if (!request.head()) {
    const auto first =
        service.store().boots().hand_out({boot.subject, boot.assignment, mac, now, {}});
    if (!first) {
      service.say("an install is not handed out: " + first.error().text());
      handing.words = {
          fmt::format("profile {} installs, and whether it did so before cannot be "
                      "told now: the state does not answer",
                      boot.profile)};
      return handing;
    }
    if (*first) {
      service.audit(request, "install", boot.subject, "handed out " + boot.profile + " to " + mac);
      handing.install = true;
      return handing;
    }
  }
  const auto install = service.store().boots().find(boot.subject);
  if (!install || !*install || (*install)->assignment != boot.assignment) {
    handing.install = request.head();
    return handing;
  }
  const store::Install& was = **install;
  handing.words = {fmt::format("profile {} installs, and was handed out at {} already",
                               boot.profile, utc_text(was.handed_out)),
                   was.completed ? "its completion was reported at " + utc_text(*was.completed)
                                 : std::string("its completion was not reported"),
                   again};
  return handing;
}

std::string known_script(Service& service, const Request& request, const MachineBoot& boot,
                         const std::string& mac, std::string& decision) {
  const std::string who = fmt::format("{} ({})", boot.name, mac);
  if (boot.profile.empty()) {
    decision = "local";
    return script_saying({who + " has no boot profile: see " + boot.reason}, boot.script);
  }
  std::vector<std::string> words{
      fmt::format("{} boots profile {}: see {}", who, boot.profile, boot.reason)};
  if (boot.install) {
    Handing handing = hand_out(service, request, boot, mac);
    if (!handing.install) {
      decision = "installed";
      handing.words.insert(handing.words.begin(), who + " boots its local disk");
      return local_script(handing.words);
    }
    words.push_back("this is its one install");
    decision = "install";
  } else {
    decision = "profile";
  }
  const Time now = service_time();
  return script_with_menu(
      fmt::format("{} boots {}", boot.name, boot.profile), boot.profile,
      service.config().service.menu_timeout, words,
      with_signed_configs(boot.script, [&](std::string_view profile, std::string_view of) {
        return service.sign_config(profile, of, now);
      }));
}

std::string unknown_script(const BootView& view, const std::string& mac) {
  std::vector<std::string> words{mac.empty()
                                     ? std::string("the machine did not say its MAC address")
                                     : mac +
                                           " is not in the inventory: it waits on the list that "
                                           "metalwright pending shows"};
  const Result<std::string> menu = view.menu();
  if (!menu) {
    words.push_back("the menu cannot be written: " + menu.error().message);
    return local_script(words);
  }
  return script_saying(words, *menu);
}

void menu(Service& service, Request& request, Reply& reply) {
  const std::string* const said = request.query("mac");
  const auto mac = said == nullptr ? std::nullopt : parse_mac_address(*said);
  if (said != nullptr && !said->empty() && !mac) {
    return reply_script(reply, local_script({fmt::format("'{}' is not a MAC address", *said)}),
                        400);
  }
  std::shared_ptr<const BootView> view = service.view();
  // Just started: whoever asks in the first moments is not to boot something else for that.
  if (view == nullptr &&
      service.wait_for_view(view, std::chrono::steady_clock::now() + kFirstRevision)) {
    view = service.view();
  }
  if (view == nullptr) {
    reply_script(reply, local_script({"there is no revision yet that could be booted by"}));
    return;
  }
  if (!mac) return reply_script(reply, unknown_script(*view, ""));
  const std::string text = mac->text();
  BootNote note{text, "", "unknown", "", request.client, uuid_of(request)};
  std::string script;
  if (const auto boot = view->boot(*mac)) {
    if (!*boot) {
      note.subject = text;
      note.decision = "error";
      script = local_script(
          {text + " has a boot profile that cannot be written as a script", boot->error().text()});
    } else {
      note.subject = (*boot)->subject;
      script = known_script(service, request, **boot, text, note.decision);
      if (note.decision == "profile" || note.decision == "install") note.profile = (*boot)->profile;
    }
  } else {
    script = unknown_script(*view, text);
    if (const MacOwner owner = view->owner(*mac); owner.entry != nullptr) {
      note.subject = owner.entry->server->name.view();  // a BMC: known, and nothing to boot
    }
  }
  if (!request.head()) service.notes().add(std::move(note));
  reply_script(reply, std::move(script));
}

void profile(Service& service, Request& request, Reply& reply) {
  const std::shared_ptr<const BootView> view = service.view();
  const std::string& name = request.parts[0];
  const auto script = view == nullptr ? std::nullopt : view->profile_script(name);
  if (!script) {
    return reply_script(reply, local_script({fmt::format("there is no profile '{}'", name)}), 404);
  }
  if (!*script) {
    return reply_script(reply, local_script({script->error().text()}), 500);
  }
  reply_script(reply,
               script_saying({fmt::format("profile {}, asked for by name", name)}, **script));
}

void asset(Service& service, Request& request, Reply& reply) {
  const std::shared_ptr<const BootView> view = service.view();
  const std::string path = view == nullptr ? request.parts[0] + '/' + request.parts[1]
                                           : view->asset(request.parts[0], request.parts[1]);
  const auto found = open_asset(service.config().assets, path);
  if (!found) return reply_error(reply, 404, "there is no such file");
  reply_asset(request, *found, reply);
}

/// What UEFI firmware is told to fetch over HTTP, by the path that it has in a boot tree.
void loader(Service& service, Request& request, Reply& reply) {
  const std::shared_ptr<const BootView> view = service.view();
  std::string path = request.parts[0];
  if (request.parts.size() == 2) path += '/' + request.parts[1];
  std::error_code none;
  // Debian links some of them: /usr/lib/ipxe/ipxe.efi to /boot/ipxe.efi.
  const std::filesystem::path source =
      view == nullptr ? "" : std::filesystem::canonical(view->loader(path), none);
  const auto found = source.empty() ? std::nullopt : open_asset("/", source.relative_path());
  if (!found) return reply_error(reply, 404, "there is no such boot loader");
  reply_asset(request, *found, reply);
}

void config(Service& service, Request& request, Reply& reply) {
  const std::string& name = request.parts[0];
  const auto mac = parse_mac_address(request.parts[1]);
  if (!mac) return reply_error(reply, 404, "that is no MAC address");
  const std::string text = mac->text();
  const std::string* const expires = request.query("expires");
  const std::string* const signature = request.query("signature");
  const bool signed_address =
      expires != nullptr && signature != nullptr &&
      service.signed_config(name, text, *expires, *signature, service_time());
  service.authenticate(request);
  // A machine that boots sends no headers: its menu gave it an address that is signed.
  if (!signed_address && request.role < Role::operator_ &&
      !service.config().service.allow_configs.contains(request.client)) {
    service.audit(request, "config-refused", text, name);
    reply_error(reply, 401, "this address is not signed, or not any more");
    reply.header("WWW-Authenticate", "Bearer");
    return;
  }
  const std::shared_ptr<const BootView> view = service.view();
  const auto made = view == nullptr ? std::nullopt : view->config(name, *mac);
  if (!made) return reply_error(reply, 404, "this machine has no such configuration");
  if (!*made) return reply_error(reply, 500, made->error().text());
  if (!request.head()) service.audit(request, "config", text, name);
  reply.header("Cache-Control", "no-store");
  reply.body = **made;
}

}  // namespace

void add_boot_routes(std::vector<Route>& routes) {
  const RouteClass boot = RouteClass::boot;
  routes.push_back({Method::get, "/boot/menu.ipxe", boot, menu,
                    "The iPXE script of the machine with this MAC address"});
  routes.push_back({Method::get, "/boot/{profile}.ipxe", boot, profile,
                    "The iPXE script of a profile, for any machine"});
  routes.push_back({Method::get, "/boot/assets/{profile}/{file}", boot, asset,
                    "A kernel, an initrd or another file of the assets folder"});
  // What scripts name where `service.url` is not set.
  routes.push_back({Method::get, "/assets/{profile}/{file}", boot, asset,
                    "The same, by the path that scripts without a service address have"});
  routes.push_back({Method::get, "/boot/configs/{profile}/{mac}", boot, config,
                    "A machine's filled-in template; signed addresses, tokens and named networks"});
  routes.push_back({Method::get, "/boot/{loader}", boot, loader,
                    "A boot loader of the boot tree, for UEFI HTTP boot"});
  routes.push_back({Method::get, "/boot/{folder}/{loader}", boot, loader,
                    "The same of a folder: efi64/grubx64.efi"});
}

}  // namespace metalwright::service

#include <array>
#include <string>
#include <string_view>

#include "pipeline/netbox_import_facts.h"
#include "schemas/netbox.h"
#include "schemas/quote.h"

namespace metalwright::pipeline {
namespace {

struct Vocabulary {
  std::string_view kind, why;
};

/// What a repository knows only as far as servers and networks mention it.
constexpr std::array kVocabulary{Vocabulary{netbox::kSite, "no server is there"},
                                 Vocabulary{netbox::kLocation, "no server is there"},
                                 Vocabulary{netbox::kRack, "no server is in it"},
                                 Vocabulary{netbox::kManufacturer, "no server is of it"},
                                 Vocabulary{netbox::kDeviceType, "no server is of it"},
                                 Vocabulary{netbox::kRole, "no server has it"},
                                 Vocabulary{netbox::kPlatform, "no server has it"},
                                 Vocabulary{netbox::kTenant, "no server has it"},
                                 Vocabulary{netbox::kTag, "no server has it"},
                                 Vocabulary{netbox::kVlan, "no network has it"}};

/// Why an address is not said.
std::string place_of(const ImportFacts& facts, const std::string& interface) {
  if (interface.empty()) return "it is on no interface";
  const std::string device(before_slash(interface));
  if (facts.interfaces_of(device).empty()) return "it is on no device's interface";
  if (facts.is_namesake(netbox::kDevice, device)) {
    return "it is on another device of the name " +
           metalwright::quoted(facts.common_name(netbox::kDevice, device));
  }
  return "it is on the interface " + metalwright::quoted(interface) + ", which is not said";
}

}  // namespace

void import_leftovers(ImportFacts& facts) {
  for (const Vocabulary& vocabulary : kVocabulary) {
    const std::set<std::string>& said = facts.said[vocabulary.kind];
    for (const auto& [name, fields] : facts.all(vocabulary.kind)) {
      if (said.contains(name) || name == netbox::kOwnerTag) continue;
      std::string title = facts.title_of(vocabulary.kind, name);
      if (vocabulary.kind == netbox::kVlan) {
        title = fmt::format("{} {}", facts.common_name(netbox::kVlan, name), title);
      }
      facts.note("{} {}: {}", vocabulary.kind, metalwright::quoted(title.empty() ? name : title),
                 vocabulary.why);
    }
  }
  const std::set<std::string>& said = facts.said[netbox::kIpAddress];
  for (const auto& [name, fields] : facts.all(netbox::kIpAddress)) {
    if (said.contains(name)) continue;
    facts.note("ip-address {}: {}", import_value(fields, "address"),
               place_of(facts, import_value(fields, "interface")));
  }
}

}  // namespace metalwright::pipeline

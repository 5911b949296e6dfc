#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "inventory/field_reader.h"
#include "inventory/repository_readers.h"
#include "schemas/quote.h"
#include "schemas/repository_fields.h"

namespace metalwright::inventory {
namespace {
constexpr std::array<std::string_view, 4> kVariables{"mac", "uuid", "hostname", "ip"};

Asset read_asset(const Value& value, Place place) {
  constexpr std::size_t kPath = field_index(kAssetTable, "path");
  constexpr std::size_t kUrl = field_index(kAssetTable, "url");
  constexpr std::size_t kSha256 = field_index(kAssetTable, "sha256");
  Asset asset;
  asset.origin = value.reading->origin(value.place());
  if (value.reading->document->nodes[value.node].kind == NodeKind::scalar) {
    const auto path = read_text(value, kAssetTable.fields[kPath], ValueType::asset_path);
    asset.path = path.value_or(std::string_view{});
    return asset;
  }
  const Fields fields(value, place, kAssetTable);
  asset.path = fields.string(kPath);
  asset.url = fields.string(kUrl);
  asset.sha256 = fields.string(kSha256);
  for (char& c : asset.sha256) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (!asset.url.empty() && !fields.given(kSha256)) {
    fields.report(
        checks::kAssetUnchecked, kUrl,
        fmt::format("{} is downloaded and booted unchecked; add its 'sha256'", quoted(asset.url)));
  }
  return asset;
}

/// `${name}` is filled in for each machine. Another name would reach the kernel as it stands.
void check_variables(const Value& item, std::string_view param) {
  for (std::size_t at = param.find("${"); at != std::string_view::npos;
       at = param.find("${", at + 2)) {
    const std::size_t end = param.find('}', at);
    const std::string_view name =
        param.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
    if (end != std::string_view::npos &&
        std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end()) {
      continue;
    }
    item.reading->report(
        checks::kProfileVariable, *item.path, item.place(),
        end == std::string_view::npos
            ? fmt::format("{} holds a '${{' without its '}}'", quoted(param))
            : fmt::format("variable {} is unknown; there are mac, uuid, hostname and ip",
                          quoted(name)));
  }
}
}  // namespace

void read_profile(std::string_view file, std::string_view name, std::string_view bytes,
                  ErrorList& errors, std::vector<Profile>& profiles) {
  Document document;
  if (!read_document(file, bytes, errors, document)) return;
  const Reading reading{file, &document, &errors};
  const Path root;
  const Place top = document.nodes[0].place;
  const Fields fields({&reading, 0, &root}, top, kProfileTable);
  constexpr std::size_t kKernel = field_index(kProfileTable, "kernel");
  constexpr std::size_t kInitrd = field_index(kProfileTable, "initrd");
  constexpr std::size_t kParams = field_index(kProfileTable, "params");
  constexpr std::size_t kTemplate = field_index(kProfileTable, "template");
  constexpr std::size_t kDefault = field_index(kProfileTable, "default");
  Profile profile;
  profile.name = name;
  profile.origin = reading.origin(top);
  profile.default_origin = fields.origin(kDefault);
  profile.title = fields.string(field_index(kProfileTable, "title"));
  if (profile.title.empty()) profile.title = name;
  const auto type = fields.choice(field_index(kProfileTable, "type"));
  profile.type =
      static_cast<ProfileType>(type.value_or(static_cast<std::size_t>(ProfileType::custom)));
  fields.for_object(kKernel,
                    [&](const Value& item, Place at) { profile.kernel = read_asset(item, at); });
  fields.for_each_item(kInitrd, [&](const Value& item) {
    profile.initrd.push_back(read_asset(item, item.place()));
  });
  fields.for_each_item(kParams, [&](const Value& item) {
    const auto param = read_text(item, kProfileTable.fields[kParams], ValueType::text);
    if (!param) return;
    check_variables(item, *param);
    profile.params.emplace_back(*param);
    profile.param_origins.push_back(reading.origin(item.place()));
  });
  profile.template_name = fields.string(kTemplate);
  profile.template_origin = fields.origin(kTemplate);
  profile.install = fields.boolean(field_index(kProfileTable, "install"))
                        .value_or(profile.type == ProfileType::ubuntu);
  profile.is_default = fields.boolean(kDefault).value_or(false);
  if (!fields.given(kKernel) && !fields.given(kTemplate)) {
    fields.report(checks::kProfileKernel,
                  fmt::format("profile {} has neither a 'kernel' nor a 'template'", quoted(name)));
  }
  profiles.push_back(std::move(profile));
}

}  // namespace metalwright::inventory

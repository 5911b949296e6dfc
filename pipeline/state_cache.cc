#include "pipeline/state_cache.h"

#include <cstring>
#include <type_traits>
#include <utility>

namespace metalwright::pipeline {
namespace {

using reconciler::ResourceRow;

constexpr std::string_view kMagic = "metalwright desired state 2\n";

class Writer {
 public:
  std::string bytes;

  template <class T>
  void number(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) { Arena::append_text(bytes, value); }
  void digest(const Digest& value) { number(value.bytes); }
};

/// Reads what Writer wrote. After the first thing that does not fit every read gives zero or empty,
/// and `good` is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool good() const { return good_; }

  template <class T>
  T number() {
    T value{};
    if (!good_ || bytes_.size() - at_ < sizeof value) {
      good_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  /// A count of things that take at least `smallest` bytes each.
  std::size_t count(std::size_t smallest) {
    const auto value = number<std::uint32_t>();
    if (!good_ || value > (bytes_.size() - at_) / smallest) good_ = false;
    return good_ ? value : 0;
  }
  Text text() {
    const std::size_t begin = at_;
    const auto size = number<std::uint32_t>();
    if (!good_ || bytes_.size() - at_ < size) {
      good_ = false;
      return {};
    }
    at_ += size;
    return Arena::text_at(bytes_, begin);
  }
  std::string string() { return std::string(text().view()); }
  Digest digest() { return Digest{number<decltype(Digest::bytes)>()}; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

void write_layout(Writer& out, const TargetLayout& layout) {
  out.text(layout.name);
  out.number(static_cast<std::uint32_t>(layout.host_files.size()));
  for (const HostFile& file : layout.host_files) {
    out.text(file.name);
    out.text(file.copy_from);
    out.text(file.bytes);
    out.number(file.mode);
    out.digest(file.digest);
  }
}

TargetLayout read_layout(Reader& in) {
  TargetLayout layout;
  layout.name = in.string();
  const std::size_t files = in.count(46);
  for (std::size_t i = 0; i < files && in.good(); ++i) {
    HostFile file;
    file.name = in.string();
    file.copy_from = in.string();
    file.bytes = in.string();
    file.mode = in.number<std::uint16_t>();
    file.digest = in.digest();
    layout.host_files.push_back(std::move(file));
  }
  return layout;
}

void write_target(Writer& out, const TargetState& target) {
  out.text(target.name);
  std::vector<Text> kinds;  // few: rows are ordered by them
  for (const ResourceRow& row : target.table.rows) {
    if (kinds.empty() || kinds.back() != row.kind) kinds.push_back(row.kind);
  }
  out.number(static_cast<std::uint32_t>(kinds.size()));
  for (const Text& kind : kinds) out.text(kind);
  std::size_t kind = 0;
  out.number(static_cast<std::uint32_t>(target.table.rows.size()));
  for (std::size_t i = 0; i < target.table.rows.size(); ++i) {
    const ResourceRow& row = target.table.rows[i];
    if (kinds[kind] != row.kind) ++kind;
    out.number(static_cast<std::uint8_t>(kind));
    out.number(target.units[i].format);
    out.number(target.units[i].unit);
    out.digest(row.digest);
    out.text(row.name);
  }
}

TargetState read_target(Reader& in) {
  TargetState target;
  target.name = in.string();
  std::vector<Text> kinds(in.count(4));
  for (Text& kind : kinds) kind = in.text();
  const std::size_t rows = in.count(42);
  target.table.rows.reserve(rows);
  target.units.reserve(rows);
  for (std::size_t i = 0; i < rows && in.good(); ++i) {
    ResourceRow row;
    UnitRef unit;
    const auto kind = in.number<std::uint8_t>();
    if (kind < kinds.size()) row.kind = kinds[kind];
    unit.format = in.number<std::uint8_t>();
    unit.unit = in.number<std::uint32_t>();
    row.digest = in.digest();
    row.name = in.text();
    target.table.rows.push_back(row);
    target.units.push_back(unit);
  }
  return target;
}

}  // namespace

std::string write_state_cache(const KeptState& kept) {
  const Compiled& compiled = *kept.compiled;
  Writer out;
  out.bytes = kMagic;
  out.digest(kept.key);
  out.text(compiled.revision);
  out.digest(compiled.state.context);
  out.number(static_cast<std::uint32_t>(kept.secrets.size()));
  for (const auto& [name, hash] : kept.secrets) {
    out.text(name);
    out.digest(hash);
  }
  out.number(static_cast<std::uint32_t>(kept.stamps.size()));
  for (const auto& [name, stamp] : kept.stamps) {
    out.text(name);
    out.number(stamp);
  }
  out.number(static_cast<std::uint32_t>(compiled.layouts.size()));
  for (const TargetLayout& layout : compiled.layouts) write_layout(out, layout);
  out.number(static_cast<std::uint32_t>(compiled.state.servers.size()));
  for (const DesiredServer& server : compiled.state.servers) {
    out.text(server.name);
    out.digest(server.entry);
  }
  out.number(static_cast<std::uint32_t>(compiled.state.targets.size()));
  for (const TargetState& target : compiled.state.targets) write_target(out, target);
  out.digest(sha256(out.bytes));
  return std::move(out.bytes);
}

std::optional<KeptState> read_state_cache(std::string bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + sizeof(Digest)) {
    return std::nullopt;
  }
  Digest written;
  const std::size_t body = bytes.size() - written.bytes.size();
  std::memcpy(written.bytes.data(), bytes.data() + body, written.bytes.size());
  if (sha256(std::string_view(bytes).substr(0, body)) != written) return std::nullopt;
  bytes.resize(body);

  auto arena = std::make_shared<Arena>();
  Reader in(arena->adopt(std::move(bytes)).substr(kMagic.size()));
  KeptState kept;
  auto compiled = std::make_shared<Compiled>();
  kept.key = in.digest();
  compiled->revision = in.string();
  compiled->state.revision = compiled->revision;
  compiled->state.context = in.digest();
  for (std::size_t i = in.count(36); i > 0 && in.good(); --i) {
    std::string name = in.string();
    kept.secrets[std::move(name)] = in.digest();
  }
  for (std::size_t i = in.count(12); i > 0 && in.good(); --i) {
    std::string name = in.string();
    kept.stamps[std::move(name)] = in.number<std::uint64_t>();
  }
  for (std::size_t i = in.count(8); i > 0 && in.good(); --i) {
    compiled->layouts.push_back(read_layout(in));
  }
  for (std::size_t i = in.count(36); i > 0 && in.good(); --i) {
    DesiredServer server;
    server.name = in.text();
    server.entry = in.digest();
    compiled->state.servers.push_back(server);
  }
  for (std::size_t i = in.count(8); i > 0 && in.good(); --i) {
    compiled->state.targets.push_back(read_target(in));
    compiled->state.targets.back().table.arenas = {arena};
  }
  compiled->state.arenas = {arena};
  if (!in.good()) return std::nullopt;
  kept.compiled = std::move(compiled);
  return kept;
}

}  // namespace metalwright::pipeline

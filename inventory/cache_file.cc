#include "inventory/cache_file.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "inventory/cluster_archive.h"
#include "inventory/load_cache.h"
#include "inventory/server_archive.h"
#include "inventory/small_files.h"
#include "schemas/digest.h"
#include "schemas/text.h"

// The format: a magic word with a version, the SHA-256 of all that follows, the program, the texts
// (each once: servers name them by number), the files, the entries with their servers, and the
// clusters with their files' ids, all in this machine's byte order.
namespace metalwright::inventory {
namespace {
constexpr std::string_view kMagic = "metalwright load cache 2\n";

class Writer {
 public:
  template <class T>
  void operator()(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(bool value) { (*this)(static_cast<std::uint8_t>(value ? 1 : 0)); }

  void string(std::string_view value) {
    (*this)(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }

  void text(Text value) { (*this)(number_of(value)); }

  void value(const Ipv4Interface& value) {
    (*this)(value.address.value);
    optional(value.length);
  }
  void value(const Ipv6Interface& value) {
    (*this)(value.address.octets);
    optional(value.length);
  }
  void value(const MacAddress& value) { (*this)(value.octets); }
  void value(bool value) { (*this)(value); }
  void value(std::uint8_t value) { (*this)(value); }
  void value(std::uint32_t value) { (*this)(value); }

  template <class T>
  void optional(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) this->value(*value);
  }

  template <class T>
  void span(const std::span<const T>& values) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (T value : values) transfer(*this, value);
  }

  template <class T, class TransferOne>
  void list(std::vector<T>& values, const TransferOne& transfer_one) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (T& value : values) transfer_one(value);
  }

  template <class T>
  void pointer(const T* value) {
    (*this)(value != nullptr);
    if (value == nullptr) return;
    T copy = *value;
    transfer(*this, copy);
  }

  [[nodiscard]] std::string take() { return std::move(bytes_); }
  /// The texts that were numbered, in their order.
  [[nodiscard]] const std::vector<std::string_view>& texts() const { return texts_; }

 private:
  // A text that is shared in the arena is one here too: its place tells. 0 is the empty text.
  std::uint32_t number_of(Text text) {
    if (text.empty()) return 0;
    const auto [at, added] = numbers_.try_emplace(text.view().data(), texts_.size() + 1);
    if (added) texts_.push_back(text.view());
    return static_cast<std::uint32_t>(at->second);
  }

  std::string bytes_;
  std::vector<std::string_view> texts_;
  std::unordered_map<const char*, std::size_t> numbers_;
};

/// Reads what a Writer wrote. Once something is not as it should be, everything is empty.
class Reader {
 public:
  Reader(std::string_view bytes, Arena& arena) : bytes_(bytes), arena_(arena) {}

  template <class T>
  void operator()(T& value) {
    static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
    if (bytes_.size() < sizeof value) return fail();
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
  }
  void operator()(bool& value) {
    std::uint8_t byte = 0;
    (*this)(byte);
    if (byte > 1) return fail();
    value = byte == 1;
  }
  void operator()(Firmware& value) { enumerator(value, Firmware::uefi); }
  void operator()(DriftOverride& value) { enumerator(value, DriftOverride::report); }
  void operator()(NodeRole& value) { enumerator(value, NodeRole::worker); }

  std::string_view string() {
    std::uint32_t size = 0;
    (*this)(size);
    if (size > bytes_.size()) {
      fail();
      return {};
    }
    const std::string_view value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return value;
  }

  void string(std::string& value) { value = string(); }

  void text(Text& value) {
    std::uint32_t number = 0;
    (*this)(number);
    if (number > texts_.size()) return fail();
    value = number == 0 ? Text() : texts_[number - 1];
  }

  void value(Ipv4Interface& value) {
    (*this)(value.address.value);
    optional(value.length);
    if (value.length.value_or(0) > 32) fail();
  }
  void value(Ipv6Interface& value) {
    (*this)(value.address.octets);
    optional(value.length);
    if (value.length.value_or(0) > 128) fail();
  }
  void value(MacAddress& value) { (*this)(value.octets); }
  void value(bool& value) { (*this)(value); }
  void value(std::uint8_t& value) { (*this)(value); }
  void value(std::uint32_t& value) { (*this)(value); }

  template <class T>
  void optional(std::optional<T>& value) {
    bool there = false;
    (*this)(there);
    if (!there) return value.reset();
    this->value(value.emplace());
  }

  template <class T>
  void span(std::span<const T>& values) {
    std::vector<T> read;
    for (std::uint32_t left = count(); left > 0 && !failed_; --left) {
      transfer(*this, read.emplace_back());
    }
    values = arena_.copy_span(std::span<const T>(read));
  }

  template <class T, class TransferOne>
  void list(std::vector<T>& values, const TransferOne& transfer_one) {
    for (std::uint32_t left = count(); left > 0 && !failed_; --left) {
      transfer_one(values.emplace_back());
    }
  }

  template <class T>
  void pointer(const T*& value) {
    bool there = false;
    (*this)(there);
    value = nullptr;
    if (!there || failed_) return;
    T read;
    transfer(*this, read);
    value = arena_.copy_value(read);
  }

  /// How many things follow: each has a byte at least.
  std::uint32_t count() {
    std::uint32_t count = 0;
    (*this)(count);
    if (count > bytes_.size()) fail();
    return failed_ ? 0 : count;
  }

  void read_texts() {
    const std::uint32_t texts = count();
    texts_.reserve(texts);
    for (std::uint32_t i = 0; i < texts && !failed_; ++i) {
      texts_.push_back(arena_.copy(string()));
      if (texts_.back().empty()) fail();
    }
  }

  void fail() {
    failed_ = true;
    bytes_ = {};
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  template <class T>
  void enumerator(T& value, T last) {
    std::underlying_type_t<T> number = 0;
    (*this)(number);
    if (number > static_cast<std::underlying_type_t<T>>(last)) return fail();
    value = static_cast<T>(number);
  }

  std::string_view bytes_;
  Arena& arena_;
  std::vector<Text> texts_;
  bool failed_ = false;
};

void write_entry(Writer& writer, const ServerEntry& entry) {
  writer(entry.file);
  writer(entry.line);
  writer(entry.column);
  writer(entry.digest.bytes);
  Server server = *entry.server;
  transfer(writer, server);
}

ServerEntry read_entry(Reader& reader, Arena& arena) {
  ServerEntry entry;
  reader(entry.file);
  reader(entry.line);
  reader(entry.column);
  reader(entry.digest.bytes);
  Server server;
  transfer(reader, server);
  entry.server = arena.copy_value(server);
  return entry;
}

/// Writes the clusters whose files alone say all about them.
void write_clusters(Writer& writer, const LoadCache& cache) {
  const KnownClusters known(&cache);
  std::vector<const FileId*> kept;
  for (const FileId& file : cache.files()) {
    if (known.find(file.path, file.id)) kept.push_back(&file);
  }
  writer(static_cast<std::uint32_t>(kept.size()));
  for (const FileId* file : kept) {
    writer(file->id.bytes);
    writer(file->bytes);
    Cluster cluster = *known.find(file->path, file->id)->cluster;
    transfer(writer, cluster);
  }
}

/// False where they are not what was written.
bool read_clusters(Reader& reader, Model& model, std::vector<FileId>& files) {
  for (std::uint32_t left = reader.count(); left > 0 && !reader.failed(); --left) {
    FileId file;
    reader(file.id.bytes);
    reader(file.bytes);
    Cluster& cluster = model.clusters.emplace_back();
    transfer(reader, cluster);
    file.path = cluster.origin.file;
    files.push_back(std::move(file));
  }
  if (reader.failed()) return false;
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(model.clusters.begin(), model.clusters.end(), by_name);
  const auto not_before = [&](const auto& a, const auto& b) { return !by_name(a, b); };
  const auto sorted = [&](const auto& values) {
    return std::adjacent_find(values.begin(), values.end(), not_before) == values.end();
  };
  return sorted(model.clusters) &&
         std::all_of(model.clusters.begin(), model.clusters.end(),
                     [&](const Cluster& cluster) {
                       return sorted(cluster.nodes) &&
                              cluster.vips.size() == cluster.vip_origins.size() &&
                              cluster.initial_peers.size() == cluster.initial_peer_origins.size();
                     }) &&
         std::adjacent_find(files.begin(), files.end(), [](const FileId& a, const FileId& b) {
           return !(a.path < b.path);
         }) == files.end();
}

/// Everything behind the digest.
std::string encode_body(const LoadCache& cache, std::string_view program) {
  const Model& model = *cache.model();
  Writer servers;
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < model.servers.size(); ++i) {
    if (!cache.clean(i)) continue;
    write_entry(servers, model.servers[i]);
    ++count;
  }
  write_clusters(servers, cache);
  Writer body;
  body.string(program);
  body(static_cast<std::uint32_t>(servers.texts().size()));
  for (const std::string_view text : servers.texts()) body.string(text);
  body(static_cast<std::uint32_t>(model.files.size()));
  for (const std::string& file : model.files) body.string(file);
  body(count);
  return body.take() + servers.take();
}
}  // namespace

std::string encode_cache(const LoadCache& cache, std::string_view program) {
  const std::string body = encode_body(cache, program);
  std::string bytes(kMagic);
  const Digest digest = sha256(body);
  bytes.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  return bytes + body;
}

std::shared_ptr<const LoadCache> decode_cache(std::string_view bytes, std::string_view program) {
  Digest digest;
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + digest.bytes.size()) return {};
  bytes.remove_prefix(kMagic.size());
  std::memcpy(digest.bytes.data(), bytes.data(), digest.bytes.size());
  bytes.remove_prefix(digest.bytes.size());
  if (sha256(bytes) != digest) return {};

  const auto arena = std::make_shared<Arena>();
  const auto model = std::make_shared<Model>();
  Reader reader(bytes, *arena);
  if (reader.string() != program) return {};
  reader.read_texts();
  for (std::uint32_t left = reader.count(); left > 0; --left) {
    model->files.emplace_back(reader.string());
  }
  const std::uint32_t servers = reader.count();
  model->servers.reserve(servers);
  for (std::uint32_t i = 0; i < servers && !reader.failed(); ++i) {
    model->servers.push_back(read_entry(reader, *arena));
    const ServerEntry& entry = model->servers.back();
    // What everybody relies on: sorted, each once, of a file that there is.
    if (entry.file >= model->files.size() || entry.server->name.empty() ||
        (i > 0 && !(model->servers[i - 1].server->name < entry.server->name))) {
      return {};
    }
  }
  std::vector<FileId> files;
  if (reader.failed() || !read_clusters(reader, *model, files) || !reader.at_end()) return {};
  model->arenas.push_back(arena);
  return std::make_shared<const LoadCache>(std::move(files), model);
}

}  // namespace metalwright::inventory

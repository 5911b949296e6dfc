#include "inventory/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "inventory/check_facts.h"
#include "inventory/checks.h"
#include "inventory/error_list.h"
#include "inventory/inventory_reader.h"
#include "inventory/load_cache.h"
#include "inventory/parallel.h"
#include "inventory/small_files.h"
#include "schemas/quote.h"

namespace metalwright::inventory {
namespace {
/// What of a cache is used: nothing of one that has gathered too much.
const LoadCache* usable(const LoadCache* cache) {
  return cache == nullptr || cache->used_up() ? nullptr : cache;
}

class Loader {
 public:
  Loader(const RepositoryFiles& files, const LoadCache* previous, Texts texts)
      : files_(files), previous_(usable(previous)), texts_(texts), known_(previous_) {}

  LoadResult load() {
    for (const RepositoryFile& file : files_) {
      if (file_kind(file.path) == FileKind::none) continue;
      const std::uint64_t bytes =
          file.bytes != nullptr ? file.bytes->size() : known_.find(file.path, file.id)->bytes;
      ids_.push_back({file.path, file.id, bytes});
    }
    read_inventories();
    read_small_files();
    check_inventory_is_there();
    build_model();
    const std::size_t before = errors_.count();
    if (!same_facts_as_before()) check_model({*model_, in_file_order_, errors_});
    return finish(errors_.count() == before);
  }

 private:
  void read_inventories() {
    for (const RepositoryFile& file : files_) {
      if (file_kind(file.path) != FileKind::inventory) continue;
      const auto number = static_cast<std::uint32_t>(model_->files.size());
      model_->files.push_back(file.path);
      read_inventory(file, number, texts_ == Texts::keep, previous_, *arena_, errors_, inventory_);
    }
  }

  /// Side by side, a few files at a time: a fleet has thousands of clusters.
  void read_small_files() {
    constexpr std::size_t kFilesAtATime = 128;
    std::vector<const RepositoryFile*> small;
    for (const RepositoryFile& file : files_) {
      const FileKind kind = file_kind(file.path);
      if (kind != FileKind::none && kind != FileKind::inventory) small.push_back(&file);
      wrong_inventory_ = wrong_inventory_ ||
                         (kind == FileKind::wrong_extension && file.path.starts_with("inventory"));
    }
    std::vector<SmallFiles> read((small.size() + kFilesAtATime - 1) / kFilesAtATime);
    for_each_in_parallel(read.size(), [&](std::size_t i) {
      const std::size_t first = i * kFilesAtATime;
      const std::size_t last = std::min(first + kFilesAtATime, small.size());
      for (std::size_t f = first; f < last; ++f) read_small_file(*small[f], known_, read[i]);
    });
    const auto append = [](auto& to, auto& from) {
      to.insert(to.end(), std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
    };
    for (SmallFiles& files : read) {
      errors_.add_all(std::move(files.errors));
      append(model_->networks, files.networks);
      append(model_->clusters, files.clusters);
      append(model_->profiles, files.profiles);
      model_->templates.merge(files.templates);
      if (files.arena != nullptr) inventory_.arenas.push_back(std::move(files.arena));
    }
  }

  void check_inventory_is_there() {
    if (!model_->files.empty()) {
      if (inventory_.entries.empty() && errors_.count() == 0) {
        errors_.add(checks::kInventoryEmpty, {model_->files[0], 0, 0},
                    "the inventory names no servers");
      }
      return;
    }
    // `inventory.yml` was pointed out already.
    if (wrong_inventory_) return;
    errors_.add(checks::kInventoryMissing, {},
                "the repository has neither an 'inventory.yaml' nor an 'inventory/*.yaml'");
  }

  // The model

  void build_model() {
    model_->moved = std::move(inventory_.moved);
    sort_servers();
    const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
    // Names repeated in one file were reported with their keys.
    sort_unique(model_->networks, by_name);
    std::stable_sort(model_->clusters.begin(), model_->clusters.end(), by_name);
    report_repeated_clusters();
    sort_unique(model_->profiles, by_name);
    if (previous_ != nullptr) model_->arenas = previous_->model()->arenas;
    model_->arenas.push_back(arena_);
    model_->arenas.insert(model_->arenas.end(), inventory_.arenas.begin(), inventory_.arenas.end());
    build_index(*model_);
  }

  template <class T, class Less>
  static void sort_unique(std::vector<T>& things, Less less) {
    std::stable_sort(things.begin(), things.end(), less);
    const auto same = [](const T& a, const T& b) { return a.name == b.name; };
    things.erase(std::unique(things.begin(), things.end(), same), things.end());
  }

  void report_repeated_clusters() {
    std::vector<Cluster>& clusters = model_->clusters;
    for (std::size_t first = 0, i = 1; i < clusters.size(); ++i) {
      if (clusters[first].name != clusters[i].name) {
        first = i;
        continue;
      }
      errors_.add(checks::kDuplicateName, clusters[i].origin,
                  fmt::format("name: there is a cluster {} already ({})", quoted(clusters[i].name),
                              clusters[first].origin.text()));
    }
    clusters.erase(std::unique(clusters.begin(), clusters.end(),
                               [](const Cluster& a, const Cluster& b) { return a.name == b.name; }),
                   clusters.end());
  }

  /// The entries' numbers by name; equal names in the order of the files. What comes from the cache
  /// is sorted already: only its order must be found again.
  std::vector<std::uint32_t> numbers_by_name() {
    const std::vector<LoadedEntry>& entries = inventory_.entries;
    std::vector<std::uint32_t> sorted;
    std::vector<std::uint32_t> others;
    sorted.reserve(entries.size());
    if (previous_ != nullptr) {
      std::vector<std::uint32_t> at(previous_->model()->servers.size(), kNotCached);
      for (std::uint32_t i = 0; i < entries.size(); ++i) {
        const std::uint32_t cached = entries[i].cached;
        if (cached != kNotCached && at[cached] == kNotCached) {
          at[cached] = i;
        } else {
          others.push_back(i);
        }
      }
      std::copy_if(at.begin(), at.end(), std::back_inserter(sorted),
                   [](std::uint32_t number) { return number != kNotCached; });
    } else {
      for (std::uint32_t i = 0; i < entries.size(); ++i) others.push_back(i);
    }
    const auto before = [&](std::uint32_t a, std::uint32_t b) {
      const auto order =
          entries[a].entry.server->name.view().compare(entries[b].entry.server->name.view());
      return order != 0 ? order < 0 : a < b;
    };
    std::sort(others.begin(), others.end(), before);
    // An edit brings few new ones: each finds its place by a search, not by comparing all names.
    std::vector<std::uint32_t> merged;
    merged.reserve(entries.size());
    auto from = sorted.begin();
    for (const std::uint32_t other : others) {
      const auto to = std::lower_bound(from, sorted.end(), other, before);
      merged.insert(merged.end(), from, to);
      merged.push_back(other);
      from = to;
    }
    merged.insert(merged.end(), from, sorted.end());
    return merged;
  }

  void sort_servers() {
    const std::vector<LoadedEntry>& entries = inventory_.entries;
    places_.assign(entries.size(), kNotCached);
    const std::vector<std::uint32_t> numbers = numbers_by_name();
    // Names of the same cache differ, and those of 100,000 servers are better not compared.
    const auto same_name = [&](const LoadedEntry& a, const LoadedEntry& b) {
      return (a.cached == kNotCached || b.cached == kNotCached || a.cached == b.cached) &&
             a.entry.server->name == b.entry.server->name;
    };
    const LoadedEntry* last = nullptr;
    model_->servers.reserve(entries.size());
    clean_.reserve(entries.size());
    for (const std::uint32_t number : numbers) {
      const LoadedEntry& loaded = entries[number];
      if (last != nullptr && same_name(*last, loaded)) {
        report_repeated(last->entry, loaded.entry);
        continue;
      }
      last = &loaded;
      places_[number] = static_cast<std::uint32_t>(model_->servers.size());
      model_->servers.push_back(loaded.entry);
      clean_.push_back(loaded.clean);
    }
    in_file_order_.reserve(model_->servers.size());
    for (const std::uint32_t place : places_) {
      if (place != kNotCached) in_file_order_.push_back(&model_->servers[place]);
    }
  }

  void report_repeated(const ServerEntry& first, const ServerEntry& second) {
    if (errors_.full()) return;
    const std::string name = shown(second.server->name);
    errors_.add(checks::kDuplicateName, model_->origin(second),
                fmt::format("servers.{}: there is a server '{}' already ({})", name, name,
                            model_->origin(first).text()));
  }

  /// The checks of the whole model had nothing to say of the revision before, and what they ask for
  /// has not changed since.
  [[nodiscard]] bool same_facts_as_before() const {
    if (previous_ == nullptr || !previous_->valid() || !previous_->nothing_found()) return false;
    const Model& before = *previous_->model();
    const auto same_server = [](const ServerEntry& a, const ServerEntry& b) {
      return a.server == b.server || same_facts(*a.server, *b.server);
    };
    const auto same_move = [](const Move& a, const Move& b) {
      return a.from == b.from && a.to == b.to;
    };
    const auto beside = [](const std::vector<FileId>& ids) {
      std::vector<FileId> others;
      std::copy_if(ids.begin(), ids.end(), std::back_inserter(others), [](const FileId& id) {
        return file_kind(id.path) != FileKind::inventory;
      });
      return others;
    };
    return beside(ids_) == beside(previous_->files()) &&
           std::ranges::equal(model_->moved, before.moved, same_move) &&
           std::ranges::equal(model_->servers, before.servers, same_server);
  }

  /// The texts of a revision without errors, where each scanned entry became a server.
  std::vector<KnownText> take_texts() {
    for (KnownText& text : inventory_.texts) {
      const std::size_t count = text.starts.empty() ? 0 : text.starts.size() - 1;
      const auto first = places_.begin() + static_cast<std::ptrdiff_t>(text.first_entry);
      text.servers.assign(first, first + static_cast<std::ptrdiff_t>(count));
    }
    return std::move(inventory_.texts);
  }

  LoadResult finish(bool nothing_found) {
    LoadResult result;
    result.statistics = {.servers = model_->servers.size(),
                         .servers_parsed = inventory_.parsed,
                         .files_fully_parsed = inventory_.fully_parsed};
    result.errors = errors_.take();
    const bool valid = !has_error(result.errors);
    const std::shared_ptr<const Model> model = std::move(model_);
    const std::size_t first_arenas =
        previous_ != nullptr ? previous_->first_arenas() : model->arenas.size();
    result.cache = std::make_shared<const LoadCache>(
        LoadCache::Revision{.files = std::move(ids_),
                            .model = model,
                            .valid = valid,
                            .errors = result.errors,
                            .clean = std::move(clean_),
                            .first_arenas = first_arenas,
                            .texts = valid ? take_texts() : std::vector<KnownText>(),
                            .nothing_found = nothing_found});
    if (valid) result.model = model;
    return result;
  }

  const RepositoryFiles& files_;
  const LoadCache* previous_;
  Texts texts_;
  KnownClusters known_;
  ErrorList errors_;
  std::vector<FileId> ids_;
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  std::shared_ptr<Model> model_ = std::make_shared<Model>();
  LoadedInventory inventory_;
  std::vector<std::uint32_t> places_;  // of the inventory's entries in the model's list
  std::vector<const ServerEntry*> in_file_order_;
  std::vector<bool> clean_;
  bool wrong_inventory_ = false;  // there is one that ends in `.yml`
};

/// The same files again give what they gave.
bool is_unchanged(const RepositoryFiles& files, const LoadCache& cache) {
  if (!cache.whole()) return false;
  auto id = cache.files().begin();
  for (const RepositoryFile& file : files) {
    if (file_kind(file.path) == FileKind::none) continue;
    if (id == cache.files().end() || id->path != file.path || id->id != file.id) return false;
    ++id;
  }
  return id == cache.files().end();
}
}  // namespace

bool is_relevant(std::string_view path) { return file_kind(path) != FileKind::none; }

KnownFile known_files(std::shared_ptr<const LoadCache> cache) {
  if (usable(cache.get()) == nullptr) return {};
  return [cache, known = KnownClusters(cache.get())](
             std::string_view path, const Digest& id) -> std::optional<std::uint64_t> {
    const auto cluster = known.find(path, id);
    return cluster ? std::optional(cluster->bytes) : std::nullopt;
  };
}

LoadResult load(const RepositoryFiles& files, const LoadCache* previous, Texts texts) {
  if (previous == nullptr || !is_unchanged(files, *previous)) {
    return Loader(files, previous, texts).load();
  }
  return {.model = previous->valid() ? previous->model() : nullptr,
          .errors = previous->errors(),
          .cache = previous->shared_from_this(),
          .statistics = {.servers = previous->model()->servers.size()}};
}

}  // namespace metalwright::inventory

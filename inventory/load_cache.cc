#include "inventory/load_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace metalwright::inventory {
namespace {
constexpr std::size_t kMostNewArenas = 63;

std::size_t slot_of(const Digest& digest) {
  std::size_t slot = 0;
  std::memcpy(&slot, digest.bytes.data(), sizeof slot);
  return slot;
}
}  // namespace

LoadCache::LoadCache(Revision revision) : of_(std::move(revision)) { make_table(); }

LoadCache::LoadCache(std::vector<FileId> files, std::shared_ptr<const Model> model)
    : whole_(false) {
  of_.clean.assign(model->servers.size(), true);
  of_.first_arenas = model->arenas.size();
  of_.files = std::move(files);
  of_.model = std::move(model);
  make_table();
}

const KnownText* LoadCache::text(std::string_view path) const {
  if (!of_.valid) return nullptr;
  const auto found = std::find_if(of_.texts.begin(), of_.texts.end(), [&](const KnownText& text) {
    return of_.model->files[text.file] == path;
  });
  return found == of_.texts.end() ? nullptr : &*found;
}

bool LoadCache::used_up() const {
  return of_.model->arenas.size() >= of_.first_arenas + kMostNewArenas;
}

void LoadCache::make_table() {
  const std::vector<ServerEntry>& servers = of_.model->servers;
  table_.resize(std::bit_ceil(servers.size() * 2 + 1));
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    if (!of_.clean[i] || servers[i].digest.empty()) continue;
    std::size_t slot = slot_of(servers[i].digest) & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = i + 1;
  }
}

std::optional<std::uint32_t> LoadCache::find(const Digest& digest, std::uint32_t guess) const {
  if (guess < of_.model->servers.size() && of_.clean[guess] &&
      of_.model->servers[guess].digest == digest && !digest.empty()) {
    return guess;
  }
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = slot_of(digest) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    const std::uint32_t server = table_[slot] - 1;
    if (of_.model->servers[server].digest == digest) return server;
  }
  return {};
}

}  // namespace metalwright::inventory

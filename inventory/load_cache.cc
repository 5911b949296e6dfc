#include "inventory/load_cache.h"

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

LoadCache::LoadCache(std::vector<FileId> files, std::shared_ptr<const Model> model, bool valid,
                     Errors errors, const std::vector<bool>& clean, std::size_t first_arenas)
    : files_(std::move(files)),
      model_(std::move(model)),
      valid_(valid),
      errors_(std::move(errors)),
      clean_(clean),
      first_arenas_(first_arenas) {
  make_table();
}

LoadCache::LoadCache(std::vector<FileId> files, std::shared_ptr<const Model> model)
    : files_(std::move(files)),
      model_(std::move(model)),
      whole_(false),
      clean_(model_->servers.size(), true),
      first_arenas_(model_->arenas.size()) {
  make_table();
}

bool LoadCache::used_up() const { return model_->arenas.size() >= first_arenas_ + kMostNewArenas; }

void LoadCache::make_table() {
  const std::vector<ServerEntry>& servers = model_->servers;
  table_.resize(std::bit_ceil(servers.size() * 2 + 1));
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    if (!clean_[i] || servers[i].digest.empty()) continue;
    std::size_t slot = slot_of(servers[i].digest) & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = i + 1;
  }
}

std::optional<std::uint32_t> LoadCache::find(const Digest& digest, std::uint32_t guess) const {
  if (guess < model_->servers.size() && clean_[guess] && model_->servers[guess].digest == digest &&
      !digest.empty()) {
    return guess;
  }
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = slot_of(digest) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    const std::uint32_t server = table_[slot] - 1;
    if (model_->servers[server].digest == digest) return server;
  }
  return {};
}

}  // namespace metalwright::inventory

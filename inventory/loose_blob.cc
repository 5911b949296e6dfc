#include "inventory/loose_blob.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libdeflate.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <utility>

#include "inventory/libgit2.h"
#include "inventory/owned_fd.h"

namespace metalwright::inventory {
namespace {

std::string path_of(const std::string& objects, const git_oid& id) {
  const std::string hex = to_hex(id);
  return fmt::format("{}/{}/{}", objects, hex.substr(0, 2), hex.substr(2));
}

std::string head_of(std::uint64_t size) { return fmt::format("blob {}", size) + '\0'; }

/// By its pieces, one after the other.
bool has_id(const git_oid& id, std::initializer_list<std::string_view> pieces) {
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (sha1 == nullptr || context == nullptr ||
      EVP_DigestInit_ex(context.get(), sha1, nullptr) != 1) {
    return false;
  }
  for (const std::string_view piece : pieces) {
    if (EVP_DigestUpdate(context.get(), piece.data(), piece.size()) != 1) return false;
  }
  return EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1 &&
         std::equal(std::begin(id.id), std::end(id.id), digest.begin());
}

/// At most `most` bytes; empty for more, and where it cannot be read.
std::string read_file(const std::string& path, std::uint64_t most) {
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) > most) {
    return {};
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t have = 0; have < bytes.size();) {
    const ssize_t got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

bool is_blob(const git_oid& id, std::string_view bytes) {
  return has_id(id, {head_of(bytes.size()), bytes});
}

bool is_loose(const std::string& objects, const git_oid& id) {
  return access(path_of(objects, id).c_str(), R_OK) == 0;
}

std::shared_ptr<const std::string> read_loose_blob(const std::string& objects, const git_oid& id,
                                                   std::uint64_t size) {
  const std::string head = head_of(size);
  // What cannot be made smaller grows by five bytes in 64 KiB, so this is more than enough.
  const std::string packed = read_file(path_of(objects, id), size + size / 1024 + 1024);
  if (packed.empty()) return nullptr;
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> unpacker(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (unpacker == nullptr) return nullptr;
  std::string bytes(head.size() + size, '\0');
  // Without a place for the number of bytes only exactly as many are a success.
  if (libdeflate_zlib_decompress(unpacker.get(), packed.data(), packed.size(), bytes.data(),
                                 bytes.size(), nullptr) != LIBDEFLATE_SUCCESS ||
      !bytes.starts_with(head) || !has_id(id, {bytes})) {
    return nullptr;
  }
  bytes.erase(0, head.size());
  return std::make_shared<const std::string>(std::move(bytes));
}

}  // namespace metalwright::inventory

#include "reconciler/curl_trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace metalwright {
namespace {

struct FreeStore {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using Store = std::unique_ptr<X509_STORE, FreeStore>;

/// Tells a file from another one of its name; all zeros where there is none.
using Identity = std::array<std::int64_t, 5>;

Identity identity_of(const char* file) {
  struct stat status {};
  if (file == nullptr || stat(file, &status) != 0) return {};
  return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

/// Null where the file holds no certificate. `folder`: of files by their subject's hash, which
/// OpenSSL reads when it needs them; may be null.
Store read_store(const char* file, const char* folder) {
  Store store(X509_STORE_new());
  const bool read = store != nullptr &&
                    (file == nullptr || X509_STORE_load_file(store.get(), file)) &&
                    (folder == nullptr || X509_STORE_load_path(store.get(), folder));
  ERR_clear_error();
  if (!read) return nullptr;
  // As libcurl sets its own: an intermediate authority may be the one that is trusted.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

/// Hands the file's certificates to a connection; false where there are none.
bool give_store(SSL_CTX* context, const std::string& ca_file) {
  static const curl_version_info_data* const built = curl_version_info(CURLVERSION_NOW);
  static std::mutex mutex;
  static std::map<std::string, std::pair<Identity, Store>, std::less<>> known;
  const char* const file = ca_file.empty() ? built->cainfo : ca_file.c_str();
  const Identity identity = identity_of(file);
  const std::lock_guard lock(mutex);
  auto& [seen, store] = known[ca_file];
  if (store == nullptr || seen != identity) {
    store = read_store(file, ca_file.empty() ? built->capath : nullptr);
    seen = identity;
  }
  if (store == nullptr) return false;
  SSL_CTX_set1_cert_store(context, store.get());
  return true;
}

CURLcode on_context(CURL*, void* context, void* ca_file) {
  return give_store(static_cast<SSL_CTX*>(context), *static_cast<const std::string*>(ca_file))
             ? CURLE_OK
             : CURLE_SSL_CACERT_BADFILE;
}

}  // namespace

void trust_no_authority(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
}

void trust_authorities(CURL* easy, const std::string& ca_file) {
  trust_no_authority(easy);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &on_context);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &ca_file);
}

}  // namespace metalwright

// The least that anything must do to say "nothing changed" from looking alone: list and stat every
// file of the trees, and hash the repository's YAML. Prints what it saw and the time it took.
//
//   stat_baseline REPOSITORY TREE...

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t files, folders, bytes, hashed, newest;

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int has_suffix(const char* name, const char* suffix) {
  const size_t length = strlen(name), wanted = strlen(suffix);
  return length > wanted && memcmp(name + length - wanted, suffix, wanted) == 0;
}

static void hash_file(int folder, const char* name, off_t size, EVP_MD_CTX* context) {
  static char* buffer;
  static size_t capacity;
  if ((size_t)size > capacity) {
    capacity = (size_t)size * 2;
    buffer = realloc(buffer, capacity);
    if (buffer == NULL) die("realloc");
  }
  const int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) die(name);
  const ssize_t got = read(file, buffer, (size_t)size);
  if (got != size) die(name);
  close(file);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length;
  if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL) ||
      !EVP_DigestUpdate(context, buffer, (size_t)got) ||
      !EVP_DigestFinal_ex(context, digest, &length)) {
    die("EVP");
  }
  hashed += (uint64_t)got;
}

// `folder` is closed. With a context, YAML files are hashed and nothing else is looked at.
static void walk(int folder, EVP_MD_CTX* context) {
  DIR* stream = fdopendir(folder);
  if (stream == NULL) die("fdopendir");
  struct dirent* entry;
  while ((entry = readdir(stream)) != NULL) {
    const char* name = entry->d_name;
    if (name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0))) continue;
    if (context != NULL && strcmp(name, ".git") == 0) continue;
    if (entry->d_type == DT_DIR) {
      ++folders;
      const int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
      if (inner < 0) die(name);
      walk(inner, context);
      continue;
    }
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) die(name);
    ++files;
    bytes += (uint64_t)status.st_size;
    if ((uint64_t)status.st_mtime > newest) newest = (uint64_t)status.st_mtime;
    if (context != NULL && has_suffix(name, ".yaml")) {
      hash_file(folder, name, status.st_size, context);
    }
  }
  closedir(stream);
}

int main(int argc, char** argv) {
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  for (int i = 1; i < argc; ++i) {
    const int folder = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) die(argv[i]);
    walk(folder, i == 1 ? context : NULL);
  }
  EVP_MD_CTX_free(context);
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("files %llu\nfolders %llu\nbytes %llu\nhashed %llu\nseconds %.6f\n",
         (unsigned long long)files, (unsigned long long)folders, (unsigned long long)bytes,
         (unsigned long long)hashed,
         (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
  return 0;
}

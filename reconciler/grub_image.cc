#include "reconciler/grub_image.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "reconciler/run_program.h"
#include "schemas/digest.h"

namespace metalwright::reconciler {
namespace {

namespace fs = std::filesystem;

/// What our configuration needs, and what a rendered or a user's own configuration may: starting
/// Linux, a loader on the local disk, a menu on a serial console. Nothing is loaded later: the
/// tree has no modules.
constexpr std::array kModules{
    "all_video",      "boot",         "cat",        "chain",
    "configfile",     "echo",         "eval",       "efifwsetup",
    "efinet",         "ext2",         "fat",        "font",
    "gzio",           "halt",         "help",       "http",
    "iso9660",        "linux",        "loadenv",    "ls",
    "lsefi",          "memdisk",      "minicmd",    "net",
    "normal",         "part_gpt",     "part_msdos", "read",
    "reboot",         "regexp",       "search",     "search_fs_file",
    "search_fs_uuid", "search_label", "serial",     "sleep",
    "smbios",         "tar",          "terminal",   "terminfo",
    "test",           "tftp",         "true",
};

/// GRUB runs what is embedded in an image line by line, without `if`: so that only says where to
/// find the real one, in the image's memory disk.
constexpr std::string_view kEarly = "configfile (memdisk)/grub.cfg\n";

// `cmdpath` is `(tftp,192.0.2.1)efi64` (as in the boot file's name, which has no slash before it)
// or `(http,192.0.2.1:8000)/boot/efi64`. It is empty, and no address is known, where GRUB 2.06 does
// not understand the firmware's device path: after HTTP boot with a DNS server in the DHCP answer.
constexpr std::string_view kConfiguration = R"(# Finds the configuration beside the loader.
if [ -z "$net_default_mac" ]; then
  net_bootp
  for card in efinet0 efinet1 efinet2 efinet3 efinet4 efinet5 efinet6 efinet7; do
    eval "set server=\$net_${card}_dhcp_next_server"
    if [ -n "$server" ]; then
      # Not its name "$card:dhcp": net_default_mac and net_default_ip are looked up by this one.
      set net_default_interface="${card}_dhcp"
      set net_default_server="$server"
      break
    fi
  done
fi
set boot_folder=
if regexp --set=1:root --set=2:folder '^\(([^)]*)\)/?(.*)$' "$cmdpath"; then
  regexp --set=1:boot_folder '^(.*)/[^/]*$' "/$folder"
else
  set root="tftp,$net_default_server"
  set folder=efi64
fi
set prefix="($root)/$folder"
export boot_folder
set own=
if regexp --set=1:m1 --set=2:m2 --set=3:m3 --set=4:m4 --set=5:m5 --set=6:m6 \
    '^(..):(..):(..):(..):(..):(..)$' "$net_default_mac"; then
  set own="$prefix/grub.cfg-01-$m1-$m2-$m3-$m4-$m5-$m6"
fi
if [ -n "$own" -a -s "$own" ]; then
  configfile "$own"
elif [ -s "$prefix/grub.cfg" ]; then
  configfile "$prefix/grub.cfg"
else
  echo "No configuration for $net_default_mac:"
  echo "neither $own nor $prefix/grub.cfg can be read."
  echo 'The firmware goes on in 20 seconds.'
  sleep 20
  exit
fi
)";

/// What identifies a file of a package without reading it.
void add_stat(Digester& digester, const fs::path& path) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) found = {};
  digester.add(fmt::format("{} {} {}.{} {}", path.native(), found.st_size, found.st_mtim.tv_sec,
                           found.st_mtim.tv_nsec, found.st_ino));
}

Digest inputs_digest(const GrubImage& image) {
  Digester digester;
  digester.add(image.platform).add(kEarly).add(kConfiguration);
  add_stat(digester, image.mkimage);
  add_stat(digester, image.modules / "kernel.img");
  for (const std::string_view name : kModules) {
    digester.add(name);
    add_stat(digester, image.modules / fmt::format("{}.mod", name));
  }
  return digester.finish();
}

/// A folder that is removed with its content.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    std::string name = parent / "making-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }  ///< empty where it was not made

 private:
  fs::path path_;
};

bool write(const fs::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  return file.flush().good();
}

tl::unexpected<Error> cannot_keep(const fs::path& cache, int problem) {
  return system_failure("boot-loader-cache",
                        fmt::format("keep a boot loader in '{}'", cache.native()), problem);
}

}  // namespace

std::string_view grub_image_configuration() { return kConfiguration; }

std::string tar_of(std::string_view name, std::string_view content) {
  constexpr std::size_t kBlock = 512;
  std::string header(kBlock, '\0');
  const auto put = [&](std::size_t at, std::string_view text) {
    header.replace(at, text.size(), text);
  };
  put(0, name);
  put(100, "0000644");  // mode; owner, group and time are 0
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", content.size()));
  put(136, "00000000000");
  put(148, "        ");  // the checksum counts as blanks in its own sum
  put(156, "0");
  put(257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const unsigned char byte : header) sum += byte;
  put(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  std::string tar = header;
  tar += content;
  tar.append((kBlock - content.size() % kBlock) % kBlock, '\0');
  tar.append(2 * kBlock, '\0');
  return tar;
}

Result<fs::path> make_grub_image(const GrubImage& image) {
  const fs::path kept = image.cache / fmt::format("grub-{}-{}.efi", image.platform,
                                                  inputs_digest(image).hex().substr(0, 16));
  std::error_code problem;
  if (fs::is_regular_file(kept, problem)) return kept;

  fs::create_directories(image.cache, problem);
  if (problem) return cannot_keep(image.cache, problem.value());
  const ScratchFolder scratch(image.cache);
  if (scratch.path().empty()) return cannot_keep(image.cache, errno);
  const fs::path early = scratch.path() / "early.cfg";
  const fs::path disk = scratch.path() / "memory-disk.tar";
  const fs::path made = scratch.path() / "grub.efi";
  if (!write(early, kEarly) || !write(disk, tar_of("grub.cfg", kConfiguration))) {
    return cannot_keep(image.cache, errno);
  }

  std::vector<std::string> command{
      image.mkimage, "--directory", image.modules, "--format", image.platform,
      "--prefix",    "(memdisk)",   "--config",    early,      "--memdisk",
      disk,          "--output",    made};
  command.insert(command.end(), kModules.begin(), kModules.end());
  const auto outcome = run_program(command);
  if (!outcome)
    return tl::unexpected(with_context(outcome.error(), "making GRUB's network loader"));
  if (outcome->exit_code != 0) {
    return unavailable("boot-loader-made",
                       fmt::format("grub-mkimage ended with {}: {}", outcome->exit_code,
                                   outcome->err.substr(0, outcome->err.find('\n'))));
  }
  fs::permissions(made, fs::perms{0644}, problem);
  if (!problem) fs::rename(made, kept, problem);
  if (problem) return cannot_keep(image.cache, problem.value());
  return kept;
}

}  // namespace metalwright::reconciler

#include "reconciler/boot_loaders.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "reconciler/grub_image.h"
#include "reconciler/run_program.h"

namespace metalwright::reconciler {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

std::vector<std::string> paths(const BootLoaders& loaders) {
  std::vector<std::string> paths;
  for (const BootLoader& loader : loaders.files) paths.push_back(loader.path);
  return paths;
}

class BootLoadersTest : public testing::Test {
 protected:
  BootLoadersTest() {
    std::string name = fs::temp_directory_path() / "boot-loaders-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    request_.cache = folder_ / "cache";
  }
  ~BootLoadersTest() override { fs::remove_all(folder_); }

  /// A host whose packages are empty files: which ones are there is all that counts.
  void install(const std::vector<std::string>& files) {
    request_.root = folder_ / "root";
    for (const std::string& file : files) write(request_.root / file, "from a package");
  }
  [[nodiscard]] std::string file(std::string_view path) const {
    return (request_.root / path).native();
  }

  fs::path folder_;
  BootLoaderRequest request_;
};

const std::vector<std::string> kPxelinux{
    "usr/lib/PXELINUX/pxelinux.0", "usr/lib/syslinux/modules/bios/ldlinux.c32",
    "usr/lib/syslinux/modules/bios/libcom32.c32", "usr/lib/syslinux/modules/bios/libutil.c32",
    "usr/lib/syslinux/modules/bios/menu.c32"};
const std::vector<std::string> kIpxe{"usr/lib/ipxe/undionly.kpxe", "usr/lib/ipxe/ipxe.efi",
                                     "usr/lib/ipxe/snponly.efi"};

// Of the packages that this project needs to be built and tested (deploy/debian-packages).
class InstalledBootLoaders : public BootLoadersTest {};

TEST_F(InstalledBootLoaders, AreAllThereAndWhatTheySay) {
  const BootLoaders loaders = find_boot_loaders(request_);
  EXPECT_TRUE(loaders.errors.empty()) << loaders.errors.front().text();
  EXPECT_TRUE(std::ranges::includes(paths(loaders), usual_boot_loaders(true, true, true)));
  const std::map<std::string, std::string> kStarts{{"efi64/grubx64.efi", "MZ"},
                                                   {"ipxe.efi", "MZ"},
                                                   {"snponly.efi", "MZ"},
                                                   {"ldlinux.c32",
                                                    "\x7f"
                                                    "ELF"},
                                                   {"menu.c32",
                                                    "\x7f"
                                                    "ELF"}};
  for (const BootLoader& loader : loaders.files) {
    const std::string bytes = read(loader.source);
    EXPECT_GT(bytes.size(), 10'000U) << loader.path;
    const auto start = kStarts.find(loader.path);
    if (start == kStarts.end()) continue;
    EXPECT_TRUE(bytes.starts_with(start->second)) << loader.path;
  }
}

TEST_F(InstalledBootLoaders, GrubHasTheSameBytesWhereverItIsMade) {
  request_.pxelinux = request_.ipxe = false;
  const BootLoaders first = find_boot_loaders(request_);
  request_.cache = folder_ / "elsewhere";
  const BootLoaders second = find_boot_loaders(request_);
  ASSERT_FALSE(first.files.empty());
  ASSERT_EQ(first.files.size(), second.files.size());
  EXPECT_NE(first.files[0].source, second.files[0].source);
  EXPECT_EQ(read(first.files[0].source), read(second.files[0].source));
}

TEST_F(InstalledBootLoaders, GrubIsMadeOnceAndLeavesNothingBeside) {
  request_.pxelinux = request_.ipxe = false;
  const fs::path made = find_boot_loaders(request_).files.at(0).source;
  const auto time = fs::last_write_time(made);
  EXPECT_EQ(find_boot_loaders(request_).files.at(0).source, made);
  EXPECT_EQ(fs::last_write_time(made), time);
  const auto kept = std::distance(fs::directory_iterator(request_.cache), fs::directory_iterator());
  EXPECT_EQ(kept, static_cast<std::ptrdiff_t>(find_boot_loaders(request_).files.size()));
}

TEST_F(InstalledBootLoaders, GrubCarriesItsConfiguration) {
  request_.pxelinux = request_.ipxe = false;
  // The memory disk is not compressed.
  EXPECT_NE(read(find_boot_loaders(request_).files.at(0).source).find(grub_image_configuration()),
            std::string::npos);
  write(folder_ / "grub.cfg", grub_image_configuration());
  const auto checked = run_program({"grub-script-check", folder_ / "grub.cfg"});
  ASSERT_TRUE(checked) << checked.error().text();
  EXPECT_EQ(checked->exit_code, 0) << checked->err;
}

TEST_F(InstalledBootLoaders, TarIsReadByTar) {
  const std::string content(1000, 'x');
  write(folder_ / "disk.tar", tar_of("grub.cfg", content));
  const auto listed = run_program({"tar", "-tvf", folder_ / "disk.tar", "--full-time", "--utc"});
  ASSERT_TRUE(listed) << listed.error().text();
  EXPECT_EQ(listed->err, "");
  EXPECT_EQ(listed->out, "-rw-r--r-- 0/0            1000 1970-01-01 00:00:00 grub.cfg\n");
  EXPECT_EQ(run_program({"tar", "-xOf", folder_ / "disk.tar"})->out, content);
}

TEST_F(BootLoadersTest, AreSortedAndNameTheirPackages) {
  install(kPxelinux);
  install(kIpxe);
  request_.grub = false;
  const BootLoaders loaders = find_boot_loaders(request_);
  EXPECT_TRUE(loaders.errors.empty());
  EXPECT_EQ(paths(loaders), usual_boot_loaders(true, false, true));
  ASSERT_EQ(loaders.files.size(), 8U);
  EXPECT_EQ(loaders.files[0].path, "ipxe.efi");
  EXPECT_EQ(loaders.files[0].source, request_.root / "usr/lib/ipxe/ipxe.efi");
  EXPECT_EQ(loaders.files[0].package, "ipxe");
  EXPECT_EQ(loaders.files[1].package, "syslinux-common");
}

TEST_F(BootLoadersTest, AreOnlyThoseThatAreAskedFor) {
  install(kPxelinux);
  request_.grub = request_.ipxe = false;
  EXPECT_EQ(paths(find_boot_loaders(request_)), usual_boot_loaders(true, false, false));
  request_.pxelinux = false;
  EXPECT_TRUE(find_boot_loaders(request_).files.empty());
}

TEST_F(BootLoadersTest, MissingPackagesAreNamedOnceEach) {
  install({"etc/debian_version"});
  const BootLoaders loaders = find_boot_loaders(request_);
  EXPECT_TRUE(loaders.files.empty());
  std::vector<std::string> texts;
  for (const Error& error : loaders.errors) texts.push_back(error.text());
  EXPECT_EQ(
      texts,
      (std::vector<std::string>{
          "error: the boot loader 'efi64/grubx64.efi' needs '" +
              file("usr/lib/grub/x86_64-efi/kernel.img") +
              "', which is not there: apt install grub-efi-amd64-bin "
              "[boot-loader-missing]",
          "error: the boot loader 'ldlinux.c32' needs '" +
              file("usr/lib/syslinux/modules/bios/ldlinux.c32") +
              "', which is not there: apt install syslinux-common "
              "[boot-loader-missing]",
          "error: the boot loader 'pxelinux.0' needs '" + file("usr/lib/PXELINUX/pxelinux.0") +
              "', which is not there: apt install pxelinux [boot-loader-missing]",
          "error: the boot loader 'undionly.kpxe' needs '" + file("usr/lib/ipxe/undionly.kpxe") +
              "', which is not there: apt install ipxe [boot-loader-missing]"}));
}

TEST_F(BootLoadersTest, MissingArm64IsAnErrorOnlyWhereItIsRequired) {
  install(kIpxe);
  install({"usr/bin/grub-mkimage"});
  request_.pxelinux = false;
  const auto count = find_boot_loaders(request_).errors.size();
  request_.arm64 = true;
  const Errors errors = find_boot_loaders(request_).errors;
  ASSERT_EQ(errors.size(), count + 2);
  EXPECT_EQ(errors[0].text(),
            "error: the boot loader 'arm64-efi/ipxe.efi' needs '" +
                file("usr/lib/ipxe/ipxe-arm64.efi") +
                "', which is not there: Debian 12's ipxe has none for ARM64, Debian 13's has "
                "[boot-loader-missing]");
  EXPECT_EQ(errors[1].text(),
            "error: the boot loader 'efi64/grubaa64.efi' needs '" +
                file("usr/lib/grub/arm64-efi/kernel.img") +
                "', which is not there: dpkg --add-architecture arm64 && apt update && apt install "
                "grub-efi-arm64-bin:arm64 [boot-loader-missing]");
}

TEST_F(BootLoadersTest, Arm64ComesAlongWhereItIsInstalled) {
  install(kIpxe);
  install({"usr/lib/ipxe/ipxe-arm64.efi"});
  request_.pxelinux = request_.grub = false;
  EXPECT_EQ(paths(find_boot_loaders(request_)).front(), "arm64-efi/ipxe.efi");
}

TEST_F(BootLoadersTest, ABrokenPackageOfGrubIsReportedWithWhatGrubSays) {
  install({"usr/lib/grub/x86_64-efi/kernel.img"});
  request_.pxelinux = request_.ipxe = false;
  fs::create_directories(request_.root / "usr/bin");
  fs::create_symlink("/usr/bin/grub-mkimage", request_.root / "usr/bin/grub-mkimage");
  const BootLoaders loaders = find_boot_loaders(request_);
  EXPECT_TRUE(loaders.files.empty());
  ASSERT_EQ(loaders.errors.size(), 1U);
  const std::string text = loaders.errors[0].text();
  EXPECT_TRUE(text.starts_with("error: grub-mkimage ended with 1: ")) << text;
  EXPECT_TRUE(text.ends_with("[boot-loader-made]\n  for the boot loader 'efi64/grubx64.efi'"))
      << text;
  EXPECT_TRUE(fs::is_empty(request_.cache));
}

TEST_F(BootLoadersTest, ACacheThatCannotBeMadeIsReported) {
  request_.pxelinux = request_.ipxe = false;
  write(folder_ / "file", "");
  request_.cache = folder_ / "file" / "cache";
  const BootLoaders loaders = find_boot_loaders(request_);
  ASSERT_FALSE(loaders.errors.empty());
  EXPECT_EQ(loaders.errors[0].text(), "error: keep a boot loader in '" + request_.cache.native() +
                                          "': Not a directory [boot-loader-cache]\n"
                                          "  for the boot loader 'efi64/grubx64.efi'");
}

TEST(UsualBootLoaders, AreSorted) {
  EXPECT_EQ(usual_boot_loaders(true, true, true),
            (std::vector<std::string>{"efi64/grubx64.efi", "ipxe.efi", "ldlinux.c32",
                                      "libcom32.c32", "libutil.c32", "menu.c32", "pxelinux.0",
                                      "snponly.efi", "undionly.kpxe"}));
  EXPECT_TRUE(usual_boot_loaders(false, false, false).empty());
}

}  // namespace
}  // namespace metalwright::reconciler

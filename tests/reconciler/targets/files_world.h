#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "reconciler/targets/files/files_target.h"
#include "tests/reconciler/targets/target_contract.h"
#include "tests/reconciler/temp_folder.h"

namespace metalwright::reconciler {

/// A tree with some files in one folder and some in folders of their own.
class FilesWorld : public TargetWorld {
 public:
  FilesWorld() { std::filesystem::create_directories(root()); }
  [[nodiscard]] std::string root() const { return folder_ / "tree"; }

  std::unique_ptr<Target> make() override {
    return std::make_unique<FilesTarget>(FilesTargetSettings{
        .name = "tftp", .root = root(), .index_file = folder_ / "index", .owner = "contract"});
  }
  Key key(int i) override {
    const std::string number = std::to_string(100 + i);
    return {"file", i % 2 == 0 ? "boot/" + number + "/ipxe.cfg" : "boot/" + number + ".cfg"};
  }
  Content content(int i, int version) override {
    Content content;
    content.bytes = "file " + std::to_string(i) + " version " + std::to_string(version) + '\n';
    content.mode = i == 2 ? 0600 : 0644;
    return content;
  }
  Digest digest(int i, int version) override {
    const Content one = content(i, version);
    return file_digest(one.mode, one.bytes);
  }
  std::string visible(int i) override { return read_plainly(path(i)); }
  void tamper(int i) override { write_plainly(path(i), "tampered\n"); }
  void take_away(int i) override { std::filesystem::remove(path(i)); }
  bool place_foreign(int i, int version) override {
    write_plainly(path(i), content(i, version).bytes);
    std::filesystem::permissions(path(i),
                                 static_cast<std::filesystem::perms>(content(i, version).mode));
    return true;
  }
  std::map<std::string, std::string> everything() override {
    auto files = files_of(root());
    files["(manifest)"] = read_plainly(root() + "/.metalwright/manifest");
    return files;
  }

 private:
  std::string path(int i) { return root() + '/' + key(i).second; }
  TempFolder folder_{TempFolder::Where::on_disk};
};

}  // namespace metalwright::reconciler

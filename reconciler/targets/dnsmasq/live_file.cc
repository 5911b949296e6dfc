#include "reconciler/targets/dnsmasq/live_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "reconciler/fault.h"

namespace metalwright::reconciler {
namespace {

constexpr std::uint16_t kReadable = 0644;

}  // namespace

LiveFile::LiveFile(const FileTree& tree, std::string name)
    : tree_(tree), name_(std::move(name)), previous_(std::string(kPreviousPrefix) + name_) {}

Result<bool> LiveFile::keep() const {
  const int root = tree_.descriptor();
  if (::unlinkat(root, previous_.c_str(), 0) != 0 && errno != ENOENT) {
    return file_failure("remove", tree_.absolute(previous_), errno);
  }
  int failure = fault_point("dnsmasq.keep");
  if (failure == 0 && ::linkat(root, name_.c_str(), root, previous_.c_str(), 0) != 0) {
    failure = errno;
  }
  if (failure == ENOENT) return false;
  if (failure != 0) return file_failure("keep a copy of", tree_.absolute(name_), failure);
  if (::fsync(root) != 0) return file_failure("sync", tree_.root(), errno);
  return true;
}

bool LiveFile::has_previous() const {
  return ::faccessat(tree_.descriptor(), previous_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<void> LiveFile::publish(std::string_view bytes) const {
  if (const int failure = fault_point("dnsmasq.publish"); failure != 0) {
    return file_failure("write", tree_.absolute(name_), failure);
  }
  return tree_.write(name_, bytes, kReadable);
}

Result<void> LiveFile::remove() const {
  if (const int failure = fault_point("dnsmasq.remove"); failure != 0) {
    return file_failure("remove", tree_.absolute(name_), failure);
  }
  return tree_.remove(name_);
}

Result<void> LiveFile::restore(bool kept) const {
  if (const int failure = fault_point("dnsmasq.restore"); failure != 0) {
    return file_failure("put back", tree_.absolute(name_), failure);
  }
  if (!kept) return tree_.remove(name_);
  const int root = tree_.descriptor();
  // Gone: it was put back before this was cut off.
  if (::renameat(root, previous_.c_str(), root, name_.c_str()) != 0 && errno != ENOENT) {
    return file_failure("put back", tree_.absolute(name_), errno);
  }
  // rename(2) does nothing where both names are one file.
  ::unlinkat(root, previous_.c_str(), 0);
  if (::fsync(root) != 0) return file_failure("sync", tree_.root(), errno);
  return {};
}

void LiveFile::settle() const {
  static_cast<void>(fault_point("dnsmasq.settle"));
  ::unlinkat(tree_.descriptor(), previous_.c_str(), 0);
}

}  // namespace metalwright::reconciler

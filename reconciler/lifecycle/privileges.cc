#include "reconciler/lifecycle/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "schemas/quote.h"

namespace metalwright::lifecycle {
namespace {
Result<void> become(const std::string& user) {
  const passwd* const entry = ::getpwnam(user.c_str());  // no thread is running yet
  if (entry == nullptr) return invalid("user", fmt::format("there is no user {}", quoted(user)));
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (::initgroups(user.c_str(), gid) != 0 || ::setresgid(gid, gid, gid) != 0 ||
      ::setresuid(uid, uid, uid) != 0) {
    return system_failure("privileges", fmt::format("becoming user {}", quoted(user)), errno);
  }
  if (uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) {
    return unavailable("privileges", "root's rights could be taken back");
  }
  return {};
}

// By the system call: the library for it is not needed for anything else.
Result<void> drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) ||
      ::syscall(SYS_capset, &header, none.data()) != 0) {
    return system_failure("privileges", "dropping capabilities", errno);
  }
  return {};
}
}  // namespace

Result<std::string> unprivileged_user(const std::string& asked) {
  if (asked.empty()) return ::getpwnam("metalwright") != nullptr ? "metalwright" : "nobody";
  if (::getpwnam(asked.c_str()) == nullptr) {
    return invalid("user", fmt::format("there is no user {}", quoted(asked)));
  }
  return asked;
}

Result<void> drop_privileges(const std::string& user) {
  if (::geteuid() == 0) {
    if (Result<void> became = become(user); !became) return became;
  }
  return drop_capabilities();
}

}  // namespace metalwright::lifecycle

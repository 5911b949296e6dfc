#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "inventory/source.h"
#include "schemas/error.h"

/// `verify: signed`: a commit counts only if one of the listed signers signed it with an ssh key.
/// What a signature means and who is listed is read by OpenSSH's own ssh-keygen, so the file is
/// exactly what ssh-keygen(1) describes under ALLOWED SIGNERS, with `cert-authority`,
/// `namespaces=`, `valid-after=` and `valid-before=`.
///
/// The tip alone is checked, and that is enough: it names its tree and its whole history by digest,
/// so who signs it signs both, and only its tree is applied. Signers of earlier commits may have
/// left the list since.
namespace metalwright::inventory {

struct Signer {
  std::string principal;  ///< as the list names it: `ada@example.net`
  std::string key;        ///< `ED25519 SHA256:…`
  friend bool operator==(const Signer&, const Signer&) = default;
};

/// Checks the signature of a revision against the file `allowed_signers`. Keys must be valid at
/// `CommitSignature::time`, or at `now` where that lies in the future.
/// Errors, each naming the commit and its author: `refused` [unsigned-commit], [signature-format]
/// for another kind than ssh's, [bad-signature] where the commit is not what was signed,
/// [unknown-signer] where the key is not listed or not for this time and purpose; `unavailable`
/// [allowed-signers] where the file cannot be read, [program-missing], [program-timeout],
/// [program-stopped].
[[nodiscard]] Result<Signer> check_signature(const Revision& revision,
                                             const CommitSignature& signature,
                                             const std::string& allowed_signers,
                                             std::chrono::sys_seconds now,
                                             const std::stop_token& stop = {});

}  // namespace metalwright::inventory

#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "schemas/error.h"
#include "schemas/time.h"

/// E-mail to a server that takes it (SMTP, RFC 5321), by libcurl.
namespace metalwright::reconciler {

struct MailServer {
  std::string url;  ///< `smtp://host:port`: TLS where the server offers it; `smtps://host:port`
  /// Who logs in; empty: nobody. A password goes over TLS or not at all.
  std::string user, password;
  std::string ca_file;  ///< PEM: the only certificates to trust; empty: the system's
  std::chrono::milliseconds timeout{30'000};  ///< for all of it
};

struct Mail {
  std::string from;             ///< an address, without a line end
  std::vector<std::string> to;  ///< at least one, the same
  std::string subject;          ///< made printable ASCII
  std::string text;             ///< UTF-8
  std::string id;               ///< unique: two with one id are the same mail to a reader
  Time at;
};

/// The message as it is sent (RFC 5322): lines end with CRLF, none is longer than 76 characters.
[[nodiscard]] std::string mail_text(const Mail& mail);

/// Errors: `unavailable` [mail]: the server does not answer, or says no. Neither credentials nor
/// the text are part of it.
[[nodiscard]] Result<void> send_mail(const MailServer& server, const Mail& mail,
                                     std::stop_token stop);

}  // namespace metalwright::reconciler

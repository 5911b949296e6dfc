#include "reconciler/mail.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "reconciler/curl_handles.h"
#include "reconciler/curl_trust.h"

namespace metalwright::reconciler {
namespace {

constexpr std::size_t kLineBytes = 57;  // 76 characters of base64

std::string base64_lines(std::string_view text) {
  std::string out;
  std::array<unsigned char, 80> line{};
  for (std::size_t at = 0; at < text.size(); at += kLineBytes) {
    const std::string_view part = text.substr(at, kLineBytes);
    const int size =
        EVP_EncodeBlock(line.data(), reinterpret_cast<const unsigned char*>(part.data()),
                        static_cast<int>(part.size()));
    out.append(reinterpret_cast<const char*>(line.data()), static_cast<std::size_t>(size));
    out += "\r\n";
  }
  return out;
}

/// What was not sent yet.
struct Upload {
  std::string_view rest;
};

std::size_t read_upload(char* into, std::size_t size, std::size_t count, void* user) {
  auto& upload = *static_cast<Upload*>(user);
  const std::size_t bytes = std::min(size * count, upload.rest.size());
  std::memcpy(into, upload.rest.data(), bytes);
  upload.rest.remove_prefix(bytes);
  return bytes;
}

int stop_when_asked(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::stop_token*>(user)->stop_requested() ? 1 : 0;
}

}  // namespace

std::string mail_text(const Mail& mail) {
  std::string subject = mail.subject.substr(0, 120);
  std::replace_if(
      subject.begin(), subject.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  std::string to;
  for (const std::string& address : mail.to) to += (to.empty() ? "" : ",\r\n ") + address;
  const std::time_t at = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(mail.at));
  return fmt::format(
      "Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\n"
      "Message-ID: <{}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
      fmt::gmtime(at), mail.from, to, subject, mail.id, base64_lines(mail.text));
}

Result<void> send_mail(const MailServer& server, const Mail& mail, std::stop_token stop) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const CurlEasy easy(started == CURLE_OK ? curl_easy_init() : nullptr);
  if (easy == nullptr) return unavailable("mail", "libcurl does not start");
  const auto set = [&](CURLoption option, auto value) {
    return curl_easy_setopt(easy.get(), option, value) == CURLE_OK;
  };
  CurlList to;
  for (const std::string& address : mail.to) {
    to.reset(curl_slist_append(to.release(), ('<' + address + '>').c_str()));
  }
  const std::string text = mail_text(mail), from = '<' + mail.from + '>';
  Upload upload{text};
  bool good = set(CURLOPT_URL, server.url.c_str()) && set(CURLOPT_PROTOCOLS_STR, "smtp,smtps") &&
              set(CURLOPT_MAIL_FROM, from.c_str()) && set(CURLOPT_MAIL_RCPT, to.get()) &&
              set(CURLOPT_READFUNCTION, read_upload) && set(CURLOPT_READDATA, &upload) &&
              set(CURLOPT_UPLOAD, 1L) && set(CURLOPT_NOSIGNAL, 1L) &&
              set(CURLOPT_TIMEOUT_MS, static_cast<long>(server.timeout.count())) &&
              set(CURLOPT_NOPROGRESS, 0L) && set(CURLOPT_XFERINFOFUNCTION, stop_when_asked) &&
              set(CURLOPT_XFERINFODATA, &stop) &&
              set(CURLOPT_USE_SSL,
                  static_cast<long>(server.user.empty() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  trust_authorities(easy.get(), server.ca_file);
  if (!server.user.empty()) {
    good = good && set(CURLOPT_USERNAME, server.user.c_str()) &&
           set(CURLOPT_PASSWORD, server.password.c_str());
  }
  if (!good) return unavailable("mail", "libcurl does not know what is asked of it");
  const CURLcode sent = curl_easy_perform(easy.get());
  if (sent == CURLE_OK) return {};
  long code = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &code);
  return unavailable(
      "mail", code == 0
                  ? fmt::format("the mail server: {}", curl_easy_strerror(sent))
                  : fmt::format("the mail server answers {}: {}", code, curl_easy_strerror(sent)));
}

}  // namespace metalwright::reconciler

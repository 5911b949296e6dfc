#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/bell.h"
#include "pipeline/service/notices.h"
#include "reconciler/http_client.h"
#include "reconciler/store/store.h"
#include "schemas/host_config.h"

namespace metalwright::service {

/// The request that tells a forge of a revision. `link` may be empty.
[[nodiscard]] reconciler::HttpRequest status_request(const CommitStatusConfig& config,
                                                     const RevisionStatus& status,
                                                     const std::string& link);
/// The header that carries the forge's token: `Authorization: Bearer …`, `PRIVATE-TOKEN: …`.
[[nodiscard]] std::string status_token_header(Forge forge, const std::string& token);

/// The texts of one message: the lines, the first few of many, with their count.
[[nodiscard]] std::string message_text(const std::vector<std::string>& lines);
/// `{"text":…}` as Slack takes it, with nothing in it that Slack takes for markup or a mention.
[[nodiscard]] std::string slack_body(const std::string& text);

/// Tells people and forges, in a thread of its own: what is to be told is written down first, and
/// sent until it arrives. Nothing waits for it. Of instances that share a state the one that
/// `leads` does it.
class Messenger {
 public:
  Messenger(const HostConfig& config, store::Store& store,
            std::function<void(const std::string&)> say, std::function<bool()> leads);
  ~Messenger();  ///< what is not sent yet waits in the state
  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  /// A round begins with this.
  void begin(const pipeline::Wanted& wanted);
  /// A round ended.
  void end(const pipeline::Round& round);

 private:
  void run(std::stop_token stop);
  void look_around();
  void add(const std::vector<Notice>& notices);
  void add(const RevisionStatus& status);
  void send_notices(const NotifyConfig& channel, std::stop_token stop);
  void send_statuses(std::stop_token stop);
  [[nodiscard]] Result<void> tell(const NotifyConfig& channel, const std::string& text, Time now,
                                  std::stop_token stop) const;
  [[nodiscard]] Result<void> post(const store::Delivery& delivery, std::stop_token stop) const;
  void put_off(const std::vector<store::Delivery>& deliveries, const std::string& channel,
               const Error& error);
  void wake();

  const HostConfig& config_;
  store::Store& store_;
  std::function<void(const std::string&)> say_;
  std::function<bool()> leads_;
  pipeline::Bell bell_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace metalwright::service

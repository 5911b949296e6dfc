#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "reconciler/lifecycle/dhcp_frame.h"
#include "schemas/error.h"

namespace metalwright::lifecycle {

/// Frames that may be DHCP servers' answers: from an interface (AF_PACKET, promiscuous), or from a
/// .pcap file. libpcap stays inside.
class FrameSource {
 public:
  /// Needs CAP_NET_RAW until it returns, and none afterwards.
  /// Errors: `refused` [tap-permission]; `invalid` [tap-interface] where there is no such interface
  /// or it has no Ethernet frames; `unavailable` [tap] for what may be mended (an interface that is
  /// down).
  [[nodiscard]] static Result<FrameSource> listen(const std::string& interface);
  /// Error: `invalid` [tap-file].
  [[nodiscard]] static Result<FrameSource> open_file(const std::string& path);
  FrameSource(FrameSource&&) noexcept;
  FrameSource& operator=(FrameSource&&) noexcept;
  ~FrameSource();

  using Visit = std::function<void(std::span<const std::uint8_t> frame)>;
  /// Waits at most `patience` for frames, and hands out those that are there. False at the end of a
  /// file. Error: `unavailable` [tap], when the interface went away or the file is cut off.
  [[nodiscard]] Result<bool> read(std::chrono::milliseconds patience, const Visit& visit);

  [[nodiscard]] Link link() const;
  /// Frames that the kernel dropped because nobody read them in time; 0 for files.
  [[nodiscard]] std::size_t dropped() const;

 private:
  struct Impl;
  explicit FrameSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalwright::lifecycle

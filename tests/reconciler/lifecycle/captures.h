#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reconciler/lifecycle/frame_source.h"

/// Frames that were captured from real programs, see captures/make.py.
namespace metalwright::lifecycle {

using Frame = std::vector<std::uint8_t>;

/// All frames of captures/<name>.pcap.
[[nodiscard]] inline std::vector<Frame> captured(const std::string& name) {
  std::vector<Frame> frames;
  auto source = FrameSource::open_file(std::string(CAPTURES) + '/' + name + ".pcap");
  if (!source) return frames;
  const auto keep = [&](std::span<const std::uint8_t> frame) {
    frames.emplace_back(frame.begin(), frame.end());
  };
  while (source->read({}, keep).value_or(false)) {
  }
  return frames;
}

/// The leases in frames of Ethernet.
[[nodiscard]] inline std::vector<Lease> leases_in(const std::vector<Frame>& frames) {
  std::vector<Lease> leases;
  for (const Frame& frame : frames) {
    FrameReading reading = read_lease(frame, Link::ethernet);
    if (reading.lease) leases.push_back(std::move(*reading.lease));
  }
  return leases;
}

/// The first frame of a capture that holds a lease.
[[nodiscard]] inline Frame lease_frame(const std::string& name) {
  for (Frame& frame : captured(name)) {
    if (read_lease(frame, Link::ethernet).lease) return std::move(frame);
  }
  return {};
}

}  // namespace metalwright::lifecycle

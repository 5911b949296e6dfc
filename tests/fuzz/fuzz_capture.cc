// A capture's file, as `dhcp-tap -r` reads it: through libpcap, frame by frame.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string>

#include "reconciler/lifecycle/dhcp_frame.h"
#include "reconciler/lifecycle/frame_source.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::lifecycle;
  using metalwright::require;
  const int file = memfd_create("capture", MFD_CLOEXEC);
  require(file >= 0 && write(file, bytes, size) == static_cast<ssize_t>(size), "there is a file");
  {
    auto source = FrameSource::open_file("/proc/self/fd/" + std::to_string(file));
    bool more = source.has_value();
    if (!source) require(source.error().check == "tap-file", "it says that the file is none");
    std::size_t frames = 0, read = 0;
    while (more) {
      const std::size_t before = frames;
      const auto part = source->read({}, [&](std::span<const std::uint8_t> frame) {
        ++frames;
        read += frame.size();
        const FrameReading reading = read_lease(frame, source->link());
        if (!reading.lease) return;
        require(reading.lease->ip.value != 0, "a lease has an address");
        require(!metalwright::has_control_character(reading.lease->hostname), "a printable name");
      });
      if (!part) {
        require(!metalwright::has_control_character(part.error().message), "a printable error");
        break;
      }
      more = *part;
      require(!more || frames > before, "it gets on");
    }
    require(frames <= size, "no more frames than bytes");
    require(read <= size, "no more in them than was there");
  }
  close(file);
  return 0;
}

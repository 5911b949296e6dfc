// The reader of captured frames; the first byte says what link they are from.
#include <cstdint>
#include <span>
#include <string>

#include "reconciler/lifecycle/dhcp_frame.h"
#include "schemas/quote.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace metalwright::lifecycle;
  using metalwright::require;
  if (size == 0) return 0;
  const auto link = static_cast<Link>(bytes[0] % 4);
  const FrameReading reading = read_lease(std::span(bytes + 1, size - 1), link);
  if (!reading.lease) {
    require(!word(reading.why).empty(), "it says why not");
    return 0;
  }
  const Lease& lease = *reading.lease;
  require(lease.ip.value != 0, "a lease has an address");
  require(lease.vlans.size() <= 2, "at most two tags");
  require(!metalwright::has_control_character(lease.hostname), "the name is printable");
  require(lease.hostname == shown_hostname(lease.hostname), "a name that is shown stays");
  require(lease.circuit.size() % 2 == 0 && lease.remote.size() % 2 == 0, "whole octets");
  require(lease.circuit.size() + lease.remote.size() <= 2 * size, "no more than was there");
  return 0;
}

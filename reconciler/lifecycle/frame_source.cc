#include "reconciler/lifecycle/frame_source.h"

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "schemas/quote.h"

namespace metalwright::lifecycle {
namespace {
// A DHCP message over Ethernet, with tags, has at most 1522 bytes; over larger frames at most
// 64 KiB, of which the headers and the options that matter come first.
constexpr int kSnapshot = 9216;
constexpr int kKernelBuffer = 4 << 20;
constexpr int kFramesAtATime = 256;
// Each `vlan` moves what follows behind one more tag: none, one or two.
constexpr const char* kFilter =
    "udp src port 67 or (vlan and udp src port 67) or (vlan and udp src port 67)";

std::optional<Link> link_of(int type) {
  switch (type) {
    case DLT_EN10MB:
      return Link::ethernet;
    case DLT_LINUX_SLL:
      return Link::linux_sll;
    case DLT_LINUX_SLL2:
      return Link::linux_sll2;
    case DLT_RAW:
      return Link::raw_ip;
    default:
      return {};
  }
}

std::string type_name(int type) {
  const char* const name = pcap_datalink_val_to_name(type);
  return name != nullptr ? name : std::to_string(type);
}
}  // namespace

struct FrameSource::Impl {
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (capture != nullptr) pcap_close(capture);
  }
  [[nodiscard]] std::string problem() const { return pcap_geterr(capture); }

  std::string name;
  pcap_t* capture = nullptr;
  Link link = Link::ethernet;
  int descriptor = -1;  // of a live capture
};

FrameSource::FrameSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FrameSource::FrameSource(FrameSource&&) noexcept = default;
FrameSource& FrameSource::operator=(FrameSource&&) noexcept = default;
FrameSource::~FrameSource() = default;

namespace {
tl::unexpected<Error> activation_failed(pcap_t* capture, int status, const std::string& interface) {
  const std::string doing = fmt::format("listening on {}: ", quoted(interface));
  const std::string problem = pcap_geterr(capture);
  const std::string text = doing + (problem.empty() ? pcap_statustostr(status) : problem);
  switch (status) {
    case PCAP_ERROR_PERM_DENIED:
      return fail(ErrorKind::refused, "tap-permission",
                  doing + "not permitted: run it as root or with CAP_NET_RAW");
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return invalid("tap-interface", doing + "there is no such interface");
    default:
      return unavailable("tap", text);
  }
}

Result<void> set_filter(pcap_t* capture, const std::string& interface) {
  bpf_program program{};
  const bool compiled = pcap_compile(capture, &program, kFilter, 1, PCAP_NETMASK_UNKNOWN) == 0;
  const bool set = compiled && pcap_setfilter(capture, &program) == 0;
  if (compiled) pcap_freecode(&program);
  if (set) return {};
  return unavailable("tap",
                     fmt::format("filtering on {}: {}", quoted(interface), pcap_geterr(capture)));
}
}  // namespace

Result<FrameSource> FrameSource::listen(const std::string& interface) {
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  auto impl = std::make_unique<Impl>();
  impl->name = interface;
  impl->capture = pcap_create(interface.c_str(), problem.data());
  if (impl->capture == nullptr) return unavailable("tap", problem.data());
  pcap_t* const capture = impl->capture;
  pcap_set_snaplen(capture, kSnapshot);
  pcap_set_promisc(capture, 1);  // answers to other clients are unicast to them
  pcap_set_immediate_mode(capture, 1);
  pcap_set_buffer_size(capture, kKernelBuffer);
  const int status = pcap_activate(capture);
  if (status < 0) return activation_failed(capture, status, interface);
  const auto link = link_of(pcap_datalink(capture));
  if (!link) {
    return invalid("tap-interface",
                   fmt::format("{} has frames of type {}: wanted Ethernet", quoted(interface),
                               type_name(pcap_datalink(capture))));
  }
  impl->link = *link;
  if (Result<void> filtered = set_filter(capture, interface); !filtered) {
    return tl::unexpected<Error>(std::move(filtered).error());
  }
  if (pcap_setnonblock(capture, 1, problem.data()) != 0) return unavailable("tap", problem.data());
  impl->descriptor = pcap_get_selectable_fd(capture);
  return FrameSource(std::move(impl));
}

Result<FrameSource> FrameSource::open_file(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  auto impl = std::make_unique<Impl>();
  impl->name = path;
  impl->capture = pcap_open_offline(path.c_str(), problem.data());
  if (impl->capture == nullptr) {
    return invalid("tap-file", fmt::format("reading {}: {}", quoted(path), problem.data()));
  }
  const auto link = link_of(pcap_datalink(impl->capture));
  if (!link) {
    return invalid("tap-file", fmt::format("{} has frames of type {}: wanted Ethernet",
                                           quoted(path), type_name(pcap_datalink(impl->capture))));
  }
  impl->link = *link;
  return FrameSource(std::move(impl));
}

Result<bool> FrameSource::read(std::chrono::milliseconds patience, const Visit& visit) {
  pcap_t* const capture = impl_->capture;
  const bool live = impl_->descriptor >= 0;
  if (live) {
    pollfd waited{impl_->descriptor, POLLIN, 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(patience.count()));
    if (ready < 0 && errno != EINTR) return system_failure("tap", "waiting for frames", errno);
    if (ready <= 0) return true;
  }
  const auto hand_out = [](u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
    (*reinterpret_cast<const Visit*>(user))({bytes, header->caplen});
  };
  void* const user = const_cast<Visit*>(&visit);
  const int frames = pcap_dispatch(capture, kFramesAtATime, hand_out, static_cast<u_char*>(user));
  if (frames >= 0) return live || frames > 0;
  return unavailable("tap", fmt::format("reading {}: {}", quoted(impl_->name), impl_->problem()));
}

Link FrameSource::link() const { return impl_->link; }

std::size_t FrameSource::dropped() const {
  pcap_stat stat{};
  if (impl_->descriptor < 0 || pcap_stats(impl_->capture, &stat) != 0) return 0;
  return static_cast<std::size_t>(stat.ps_drop) + stat.ps_ifdrop;
}

}  // namespace metalwright::lifecycle

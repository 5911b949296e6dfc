#pragma once

#include "inventory/field_reader.h"
#include "schemas/model.h"
#include "schemas/text.h"

namespace metalwright::inventory {

/// Reads one entry of `servers`: its keys by the table, and what can be said of the entry alone
/// (usable addresses, members that exist, one primary interface). What is wrong is reported and
/// left out, so that the rest can be checked against other servers. `name_place` is that of the
/// server's key, from which the marks count. The server lives in `arena`.
[[nodiscard]] const Server* read_server(const Value& value, std::string_view name, Place name_place,
                                        Arena& arena);

/// Checks of a server's virtual interfaces: names, members, circles, options that fit.
/// `origin` gives the place of a mark.
void check_network_config(const Server& server, const Reading& reading, const Path& path,
                          Place name_place);

/// False for an address that no machine can have (reported): unspecified, loopback, multicast.
[[nodiscard]] bool is_usable(Ipv4Address address, const Fields& fields, std::size_t field);
[[nodiscard]] bool is_usable(const Ipv6Address& address, const Fields& fields, std::size_t field);

}  // namespace metalwright::inventory

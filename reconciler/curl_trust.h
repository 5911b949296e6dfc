#pragma once

#include <curl/curl.h>

#include <string>

/// Which certificates libcurl trusts. It reads the system's authorities, some 140 of them, for each
/// new connection: tens of milliseconds of processor time, more than all the rest of a short
/// conversation. Here they are read once a process, and again when the file is another one.
namespace metalwright {

/// For the next transfer of `easy`: trusts the authorities in this PEM file, or the system's where
/// `ca_file` is empty. The string must stay where it is until the transfer ends, which is with
/// CURLE_SSL_CACERT_BADFILE where the file holds none.
void trust_authorities(CURL* easy, const std::string& ca_file);

/// No authority is read at all: the connection's proof is another one.
void trust_no_authority(CURL* easy);

}  // namespace metalwright

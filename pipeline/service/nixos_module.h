#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What the provisioning listener hands to a machine that installs NixOS.
namespace metalwright::service {

struct NixosMachine {
  std::string server;     ///< its name in the inventory
  std::string hostname;   ///< full
  std::string interface;  ///< that registered
  std::string mac;
  std::string ipv6;  ///< the server's, with or without a prefix length; empty: none
  std::vector<std::string> services;
  std::string callback_base;  ///< `http://host:port`
};

/// A module `{ config, pkgs, ... }: { … }` that reports `boot-complete` once it runs.
[[nodiscard]] std::string nixos_module(const NixosMachine& machine);

/// The text as a Nix string in double quotes. Source: Nix manual, "String literal".
[[nodiscard]] std::string nix_string(std::string_view text);

/// The script that registers a machine and fetches its module.
[[nodiscard]] std::string bootstrap_script(std::string_view callback_base);

}  // namespace metalwright::service

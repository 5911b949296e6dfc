#pragma once

#include <string>

#include "pipeline/routeros_draft.h"

namespace metalwright::pipeline {

/// The draft's networks as `networks.yaml`, each served by `routeros:ROUTER`.
[[nodiscard]] std::string networks_yaml(const RouterDraft& draft, const std::string& router);

/// The draft's servers as `inventory.yaml`.
[[nodiscard]] std::string inventory_yaml(const RouterDraft& draft);

}  // namespace metalwright::pipeline

#pragma once

#include "pipeline/routeros_draft.h"

namespace metalwright::pipeline {

/// Adds the networks that the router serves, and why others are none.
void draft_networks(const reconciler::RouterRows& rows, RouterDraft& draft);

}  // namespace metalwright::pipeline

#include "tests/reconciler/targets/files_world.h"

namespace metalwright::reconciler {

INSTANTIATE_TEST_SUITE_P(Files, TargetContract,
                         testing::Values(MakeWorld([] { return std::make_unique<FilesWorld>(); })));

}  // namespace metalwright::reconciler

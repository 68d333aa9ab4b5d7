// What drivers import from this floor: the Ob*, Ps* and Se* functions (declared in include/wdk) and the type globals.
#pragma once

namespace regent::ob {

// Fills PsProcessType, PsThreadType, ExEventObjectType and PsInitialSystemProcess.
void publish_exported_types();

}  // namespace regent::ob

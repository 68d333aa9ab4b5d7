// What drivers import from the Configuration Manager besides the callbacks.
#include "cm/key_body.h"
#include "wdk/wdm.h"

namespace {
POBJECT_TYPE key_object_type = nullptr;
}

namespace regent::cm {

void publish_key_type() { key_object_type = reinterpret_cast<POBJECT_TYPE>(&key_type()); }

}  // namespace regent::cm

extern "C" {
POBJECT_TYPE* CmKeyObjectType = &key_object_type;
}

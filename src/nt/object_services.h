// What the services that make and open dispatcher objects share.
#pragma once

#include "nt/capture.h"
#include "ob/handle.h"
#include "ob/namespace.h"

namespace regent::nt {

// Names a new object and hands it out, or with OBJ_OPENIF the one that has the name (OBJECT_NAME_EXISTS, a success).
// ERRORS, in this order: the attributes', OBJECT_NAME_COLLISION.
NTSTATUS name_object(ob::ObjectRef<void> object, PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes);
// ERRORS, in this order: ACCESS_VIOLATION, the attributes', those of opening a name.
NTSTATUS open_object(const ob::ObjectType& type, PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes);

}  // namespace regent::nt

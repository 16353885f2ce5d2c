#pragma once
#include <grpcpp/grpcpp.h>

#include "cmake/pch_base.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"

/* All of libflux: #include <flux/core.h>, link with `pkg-config --libs flux-core`. */
#ifndef FLUX_CORE_H
#define FLUX_CORE_H

#include <flux/types.h>
#include <flux/version.h>
#include <flux/message.h>
#include <flux/reactor.h>
#include <flux/watcher.h>
#include <flux/handle.h>
#include <flux/connector.h>
#include <flux/msg_handler.h>
#include <flux/request.h>
#include <flux/response.h>
#include <flux/future.h>
#include <flux/rpc.h>
#include <flux/event.h>
#include <flux/attr.h>
#include <flux/flog.h>
#include <flux/conf.h>
#include <flux/service.h>
#include <flux/control.h>
#include <flux/msglist.h>
#include <flux/disconnect.h>
#include <flux/kvs.h>
#include <flux/module.h>

#if defined(__has_include)
#if __has_include(<flux/job.h>)
#include <flux/job.h>
#endif
#if __has_include(<flux/jobspec1.h>)
#include <flux/jobspec1.h>
#endif
#if __has_include(<flux/plugin.h>)
#include <flux/plugin.h>
#endif
#endif

#endif

/* api_router_priv.h: the handlers that api_router.c chooses from. Each
 * answers; the body, where one is needed, is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_ROUTER_PRIV_H
#define API_API_ROUTER_PRIV_H

#include "api/api_answer.h"
#include "api/api_http.h"
#include "api/api_router.h"

typedef void api_handler(const struct api_env *env, const struct api_request *r,
			 struct api_answer *a);

/* api_machine.c */
api_handler api_get_instance, api_get_version, api_get_config,
	api_get_machine_config, api_get_ports, api_put_action;

/* api_balloon.c */
api_handler api_get_balloon, api_patch_balloon, api_get_stats, api_patch_stats,
	api_hint_start, api_hint_stop, api_hint_status;
/* As GET /balloon says it; null: there is no balloon. */
json_t *api_balloon_json(const struct api_env *env);

/* api_metrics.c */
api_handler api_get_metrics;

#endif

#include <array>

#include "pipeline/service/openapi.h"

namespace metalwright::service {
namespace {

constexpr std::string_view kText = "text/plain", kJson = "application/json",
                           kBytes = "application/octet-stream";

constexpr std::array kShapes{
    AnswerShape{Method::get, "/boot/menu.ipxe", 200, kText, ""},
    AnswerShape{Method::get, "/boot/menu.ipxe", 400, kText, ""},
    AnswerShape{Method::get, "/boot/{profile}.ipxe", 200, kText, ""},
    AnswerShape{Method::get, "/boot/{profile}.ipxe", 404, kText, ""},
    AnswerShape{Method::get, "/boot/{profile}.ipxe", 500, kText, ""},
    AnswerShape{Method::get, "/boot/assets/{profile}/{file}", 200, kBytes, ""},
    AnswerShape{Method::get, "/boot/assets/{profile}/{file}", 206, kBytes, ""},
    AnswerShape{Method::get, "/boot/assets/{profile}/{file}", 304, "", ""},
    AnswerShape{Method::get, "/boot/assets/{profile}/{file}", 416, kText, ""},
    AnswerShape{Method::get, "/assets/{profile}/{file}", 200, kBytes, ""},
    AnswerShape{Method::get, "/assets/{profile}/{file}", 206, kBytes, ""},
    AnswerShape{Method::get, "/assets/{profile}/{file}", 304, "", ""},
    AnswerShape{Method::get, "/assets/{profile}/{file}", 416, kText, ""},
    AnswerShape{Method::get, "/boot/configs/{profile}/{mac}", 200, kText, ""},
    AnswerShape{Method::get, "/health", 200, kJson, "Health"},
    AnswerShape{Method::get, "/status", 200, kJson, "Provisioned"},
    AnswerShape{Method::get, "/inventory", 200, kJson, "Inventory"},
    AnswerShape{Method::post, "/register", 200, kJson, "Matched"},
    AnswerShape{Method::post, "/register", 202, kJson, "Unmatched"},
    AnswerShape{Method::post, "/register", 400, kJson, "Problem"},
    AnswerShape{Method::get, "/config/{mac}", 200, kJson, "MachineConfig"},
    AnswerShape{Method::get, "/config/{mac}", 404, kJson, "Problem"},
    AnswerShape{Method::get, "/nixos-config/{mac}", 200, kText, ""},
    AnswerShape{Method::get, "/nixos-config/{mac}", 404, kText, ""},
    AnswerShape{Method::post, "/callback/{event}", 200, kJson, "Received"},
    AnswerShape{Method::get, "/scripts/bootstrap.sh", 200, "text/x-shellscript", ""},
    AnswerShape{Method::get, "/api/v1/boot/profiles", 200, kJson, "Profiles"},
    AnswerShape{Method::post, "/api/v1/boot/profiles", 201, kJson, "Profile"},
    AnswerShape{Method::post, "/api/v1/boot/profiles", 400, kJson, "Refusal"},
    AnswerShape{Method::get, "/api/v1/boot/profiles/{profile}", 200, kJson, "Profile"},
    AnswerShape{Method::put, "/api/v1/boot/profiles/{profile}", 200, kJson, "Profile"},
    AnswerShape{Method::put, "/api/v1/boot/profiles/{profile}", 400, kJson, "Refusal"},
    AnswerShape{Method::delete_, "/api/v1/boot/profiles/{profile}", 204, "", ""},
    AnswerShape{Method::get, "/api/v1/boot/assignments", 200, kJson, "Assignments"},
    AnswerShape{Method::post, "/api/v1/boot/assignments", 200, kJson, "Assignment"},
    AnswerShape{Method::post, "/api/v1/boot/assignments", 201, kJson, "Assignment"},
    AnswerShape{Method::post, "/api/v1/boot/assignments", 400, kJson, "Refusal"},
    AnswerShape{Method::get, "/api/v1/boot/assignments/{mac}", 200, kJson, "Assignment"},
    AnswerShape{Method::put, "/api/v1/boot/assignments/{mac}", 200, kJson, "Assignment"},
    AnswerShape{Method::put, "/api/v1/boot/assignments/{mac}", 201, kJson, "Assignment"},
    AnswerShape{Method::put, "/api/v1/boot/assignments/{mac}", 400, kJson, "Refusal"},
    AnswerShape{Method::delete_, "/api/v1/boot/assignments/{mac}", 204, "", ""},
    AnswerShape{Method::get, "/api/v1/boot/network-config", 200, kText, ""},
    AnswerShape{Method::post, "/api/v1/phone-home", 200, kJson, "Registered"},
    AnswerShape{Method::post, "/api/v1/phone-home", 400, kJson, "Unregistered"},
    AnswerShape{Method::post, "/api/v1/phone-home", 422, kJson, "Unregistered"},
    AnswerShape{Method::post, "/api/v1/phone-home", 503, kJson, "Unregistered"},
    AnswerShape{Method::get, "/api/v1/nodes", 200, kJson, "Nodes"},
    AnswerShape{Method::get, "/api/v1/nodes/{name}", 200, kJson, "Node"},
    AnswerShape{Method::get, "/api/v1/nodes/{name}/bundle", 200, kJson, "Bundle"},
    AnswerShape{Method::get, "/api/v1/nodes/{name}/bundle", 200, kText, ""},
    AnswerShape{Method::get, "/api/v1/nodes/{name}/bundle", 304, "", ""},
    AnswerShape{Method::get, "/api/v1/nodes/{name}/file", 200, kBytes, ""},
    AnswerShape{Method::post, "/api/v1/nodes/{name}/report", 200, kJson, "Reported"},
    AnswerShape{Method::post, "/api/event", 200, kJson, "EventAccepted"},
    AnswerShape{Method::post, "/api/event", 400, kJson, "Problem"},
    AnswerShape{Method::post, "/api/event", 500, kJson, "Problem"},
    AnswerShape{Method::post, "/api/event", 503, kJson, "Problem"},
    AnswerShape{Method::post, "/api/v1/validation/report", 200, kJson, "ReportAccepted"},
    AnswerShape{Method::post, "/api/v1/validation/report", 400, kJson, "Problem"},
    AnswerShape{Method::post, "/api/v1/validation/report", 404, kJson, "Problem"},
    AnswerShape{Method::post, "/api/v1/validation/report", 500, kJson, "Problem"},
    AnswerShape{Method::post, "/api/v1/validation/report", 503, kJson, "Problem"},
    AnswerShape{Method::get, "/livez", 200, kText, ""},
    AnswerShape{Method::get, "/readyz", 200, kText, ""},
    AnswerShape{Method::get, "/readyz", 503, kText, ""},
    AnswerShape{Method::get, "/metrics", 200, kText, ""},
    AnswerShape{Method::get, "/api/v1/openapi.json", 200, kJson, "Description"},
    AnswerShape{Method::post, "/hooks/git", 202, kJson, "Accepted"},
    AnswerShape{Method::post, "/hooks/netbox", 202, kJson, "NetboxAccepted"},
};

// One schema a line.
constexpr std::string_view kSchemas = R"json({
"Error":{"type":"object","required":["error","message","status","timestamp"],"properties":{"error":{"enum":["BAD_REQUEST","VALIDATION_ERROR","UNAUTHORIZED","FORBIDDEN","NOT_FOUND","METHOD_NOT_ALLOWED","CONFLICT","CONTENT_TOO_LARGE","UNSUPPORTED_MEDIA_TYPE","UNPROCESSABLE_ENTITY","TOO_MANY_REQUESTS","INTERNAL_ERROR","BAD_GATEWAY","SERVICE_UNAVAILABLE"]},"message":{"type":"string"},"status":{"type":"integer"},"timestamp":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"},"details":{},"path":{"type":["string","null"]}},"additionalProperties":false},
"Problem":{"anyOf":[{"type":"object","required":["error"],"properties":{"error":{"type":"string"},"mac":{"type":"string"}},"additionalProperties":false},{"$ref":"#/components/schemas/Error"}]},
"Violations":{"type":"object","required":["title","status","violations"],"properties":{"title":{"const":"Constraint Violation"},"status":{"const":400},"violations":{"type":"array","minItems":1,"items":{"type":"object","required":["field","message"],"properties":{"field":{"type":"string"},"message":{"type":"string"}},"additionalProperties":false}}},"additionalProperties":false},
"Refusal":{"anyOf":[{"$ref":"#/components/schemas/Violations"},{"$ref":"#/components/schemas/Error"}]},
"Health":{"type":"object","required":["status"],"properties":{"status":{"enum":["healthy","UP","ok"]},"genesis_bond":{"type":"string"},"frequency":{"type":"string"},"timestamp":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"},"checks":{"type":"array"}}},
"Provisioned":{"type":"object","required":["provisioned","pending","timestamp"],"properties":{"provisioned":{"type":"object","propertyNames":{"type":"string","pattern":"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"},"additionalProperties":{"type":"object","required":["server_name","interface","ipv4","ipv6","mac","registered_at","status"],"properties":{"server_name":{"type":"string"},"interface":{"type":"string"},"ipv4":{"type":["string","null"]},"ipv6":{"type":["string","null"]},"mac":{"type":"string","pattern":"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"},"registered_at":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"},"status":{"type":"string"},"last_callback":{"type":"string"},"last_callback_time":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"}},"additionalProperties":false}},"pending":{"type":"object","propertyNames":{"type":"string","pattern":"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"},"additionalProperties":{"type":"object","required":["ip","hostname","first_seen"],"properties":{"ip":{"type":"string"},"hostname":{"type":"string"},"first_seen":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"}},"additionalProperties":false}},"timestamp":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"}},"additionalProperties":false},
"Inventory":{"type":"object"},
"Matched":{"type":"object","required":["status","server_name","ipv6","config_url"],"properties":{"status":{"const":"matched"},"server_name":{"type":"string"},"ipv6":{},"config_url":{"type":"string"}},"additionalProperties":false},
"Unmatched":{"type":"object","required":["status","message","mac"],"properties":{"status":{"const":"unknown"},"message":{"type":"string"},"mac":{"type":"string","pattern":"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"}},"additionalProperties":false},
"MachineConfig":{"type":"object","required":["server_name","hostname","ipv4","ipv6","interface","specs","services"],"properties":{"server_name":{"type":"string"},"hostname":{"type":"string"},"ipv4":{},"ipv6":{},"interface":{"type":"object","required":["name","ipv6","role"],"properties":{"name":{"type":"string"},"ipv6":{},"role":{}},"additionalProperties":false},"specs":{},"services":{}},"additionalProperties":false},
"Received":{"type":"object","required":["received","timestamp"],"properties":{"received":{"type":"string"},"timestamp":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}$"}},"additionalProperties":false},
"Profile":{"type":"object","required":["id","name","profileType","kernelPath","initrdPath","bootParams","configTemplate","source","inForce"],"properties":{"id":{"type":"string","pattern":"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},"name":{"type":"string"},"profileType":{"type":"string"},"kernelPath":{"type":"string"},"initrdPath":{"type":"string"},"bootParams":{"type":"string"},"configTemplate":{"type":"string"},"source":{"enum":["api","git"]},"inForce":{"type":"boolean"}},"additionalProperties":false},
"Profiles":{"type":"array","items":{"$ref":"#/components/schemas/Profile"}},
"Assignment":{"type":"object","required":["macAddress","nodeName","bootProfileId","bootParamsOverride","lastBootAt","source"],"properties":{"macAddress":{"type":"string","pattern":"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"},"nodeName":{"type":"string"},"bootProfileId":{"type":"string"},"bootParamsOverride":{"type":["object","null"]},"lastBootAt":{"anyOf":[{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"},{"type":"null"}]},"source":{"enum":["api","git"]}},"additionalProperties":false},
"Assignments":{"type":"array","items":{"$ref":"#/components/schemas/Assignment"}},
"Registered":{"type":"object","required":["success","node_id","state","message"],"properties":{"success":{"const":true},"node_id":{"type":"string"},"state":{"$ref":"#/components/schemas/NodeState"},"message":{"type":"string"}},"additionalProperties":false},
"Unregistered":{"anyOf":[{"type":"object","required":["success","message"],"properties":{"success":{"const":false},"message":{"type":"string"}},"additionalProperties":false},{"$ref":"#/components/schemas/Error"}]},
"NodeState":{"enum":["Pending","Provisioning","Active","Failed"]},
"Convergence":{"enum":["converged","behind","failed","silent","unknown"]},
"Node":{"type":"object","required":["id","ip","role","state","config_hash","last_seen","since","reported","applied_hash","desired_hash","drift","convergence","standing"],"properties":{"id":{"type":"string"},"ip":{"type":"string"},"role":{"type":"string"},"state":{"$ref":"#/components/schemas/NodeState"},"config_hash":{"type":"string"},"last_seen":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"},"since":{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"},"hostname":{"type":"string"},"mac":{"type":"string"},"reported":{"anyOf":[{"type":"string","pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"},{"type":"null"}]},"applied_hash":{"type":"string"},"desired_hash":{"type":"string","pattern":"^([0-9a-f]{64})?$"},"drift":{"type":"boolean"},"convergence":{"$ref":"#/components/schemas/Convergence"},"standing":{"type":"string"}},"additionalProperties":false},
"Nodes":{"type":"array","items":{"$ref":"#/components/schemas/Node"}},
"Bundle":{"type":"object","required":["node","server","revision","hash","config_hash","files"],"properties":{"node":{"type":"string"},"server":{"type":"string"},"revision":{"type":"string"},"hash":{"type":"string","pattern":"^([0-9a-f]{64})?$"},"config_hash":{"type":"string","pattern":"^([0-9a-f]{64})?$"},"files":{"type":"array","items":{"type":"object","required":["path","mode","content"],"properties":{"path":{"type":"string","pattern":"^[^/]"},"mode":{"type":"string","pattern":"^[0-7]{4}$"},"content":{"type":"string"}},"additionalProperties":false}}},"additionalProperties":false},
"Reported":{"type":"object","required":["received","desired_hash","convergence"],"properties":{"received":{"const":true},"desired_hash":{"type":"string","pattern":"^([0-9a-f]{64})?$"},"convergence":{"$ref":"#/components/schemas/Convergence"}},"additionalProperties":false},
"EventAccepted":{"type":"object","required":["status","device","event"],"properties":{"status":{"const":"accepted"},"device":{"type":"string"},"event":{"type":"string"}},"additionalProperties":false},
"ReportAccepted":{"type":"object","required":["status","device_id","device_name","message"],"properties":{"status":{"const":"success"},"device_id":{"type":"string"},"device_name":{"type":"string"},"message":{"type":"string"}},"additionalProperties":false},
"Description":{"type":"object","required":["openapi","info","paths","components"],"properties":{"openapi":{"const":"3.1.0"},"info":{"type":"object"},"paths":{"type":"object"},"components":{"type":"object"}}},
"Accepted":{"type":"object","required":["accepted"],"properties":{"accepted":{"const":true}},"additionalProperties":false},
"NetboxAccepted":{"type":"object","required":["accepted","concerns_us"],"properties":{"accepted":{"const":true},"concerns_us":{"type":"boolean"}},"additionalProperties":false}
})json";

}  // namespace

std::span<const AnswerShape> answer_shapes() { return kShapes; }

std::string_view answer_schemas() { return kSchemas; }

}  // namespace metalwright::service

#include "plan/planner.h"

void need_add(struct planner *planner, enum kind kind, size_t index, unsigned facts)
{
	if (kind == KIND_CONTAINER)
		planner->container_needs[index] |= facts;
	else
		planner->image_needs[index] |= facts;
}

static enum answer answer_for(struct planner *planner, enum kind kind, size_t index,
			      enum fact inspected)
{
	if (inspected == FACT_KNOWN)
		return ANSWER_YES;
	if (inspected == FACT_UNAVAILABLE)
		return ANSWER_UNAVAILABLE;
	need_add(planner, kind, index, NEED_INSPECT);
	return ANSWER_NOT_ASKED;
}

enum answer need_inspect_container(struct planner *planner, const struct container *container)
{
	return answer_for(planner, KIND_CONTAINER,
			  (size_t)(container - planner->snapshot->containers),
			  container->inspected);
}

enum answer need_inspect(struct planner *planner, const struct verdict *verdict)
{
	if (verdict->kind == KIND_CONTAINER)
		return need_inspect_container(planner, verdict->container);
	return answer_for(planner, KIND_IMAGE,
			  (size_t)(verdict->image - planner->snapshot->images),
			  verdict->image->inspected);
}

enum answer need_container_name(struct planner *planner, const struct container *container)
{
	if (container->image_name)
		return ANSWER_YES;
	return need_inspect_container(planner, container);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * cgroup.c - cgroups come and go: as much of kernel/cgroup/cgroup.c as memory cgroups need.
 *
 * cgroup_mutex covers the tree, who is in it, and online and children. A cgroup is found by its number or through an mm under
 * RCU, and is then pinned, if it still has a reference. Going takes three steps: it is dying; a grace period later, with nobody
 * left who has not seen that, it goes offline, that is, gives away what it has; and when its last reference is put it is freed
 * a grace period later.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <foliofuzz/bug.h>

/* Root, A, A/B, C. */
static unsigned int parent_id(unsigned int id)
{
	return id == 2 ? 1 : 0;
}

/* css_get_many() - v7.1, include/linux/cgroup_refcnt.h. Fidelity: adapted: one counter, not one for each CPU. The caller has one. */
void css_get_many(struct mem_cgroup *memcg, int nr)
{
	atomic_add(nr, &memcg->css_refcnt);
}

/* css_tryget() - v7.1. Fidelity: as above. */
bool css_tryget(struct mem_cgroup *memcg)
{
	return atomic_inc_not_zero(&memcg->css_refcnt);
}

/* css_free_rwork_fn() - v7.1. Fidelity: same, by RCU callback and not by work after it. Its parent outlives it so far. */
static void css_free_rwork_fn(struct rcu_head *head)
{
	struct mem_cgroup *memcg = container_of(head, struct mem_cgroup, rcu);
	struct mem_cgroup *parent = parent_mem_cgroup(memcg);

	mem_cgroup_free(memcg);
	css_put(parent);
}

/* css_put(), css_release_work_fn() - v7.1. Fidelity: same. Any context. */
void css_put(struct mem_cgroup *memcg)
{
	if (atomic_dec_and_test(&memcg->css_refcnt))
		call_rcu(&memcg->rcu, css_free_rwork_fn);
}

/* css_from_id(), css_tryget_online() - v7.1. Fidelity: same. */
struct mem_cgroup *mem_cgroup_tryget_id(unsigned int id)
{
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = rcu_dereference(machine->memcgs[id]);
	if (memcg && (memcg_is_dying(memcg) || !css_tryget(memcg)))
		memcg = NULL;
	rcu_read_unlock();
	return memcg;
}

/* Not the kernel's: a new process starts somewhere. The root is always there. */
struct mem_cgroup *mem_cgroup_get_online(unsigned int id)
{
	struct mem_cgroup *memcg;

	if (mem_cgroup_disabled())
		return NULL;
	while (!(memcg = mem_cgroup_tryget_id(id)))
		id = parent_id(id);
	return memcg;
}

/* What a new cgroup has before anybody can find it. */
static void css_init(struct mem_cgroup *memcg, unsigned int id, struct mem_cgroup *parent)
{
	memcg->id = (u8)id;
	memcg->parent = parent;
	memcg->css_refcnt.counter = 1;
	memcg->online = true;
}

/* cgroup_mkdir(), css_create() - v7.1. Fidelity: adapted: the tree's shape is given. */
int cgroup_mkdir(unsigned int id)
{
	struct mem_cgroup *memcg, *parent;
	int ret = -EEXIST;

	mutex_lock(&machine->cgroup_mutex);
	if (machine->memcgs[id])
		goto unlock;
	ret = -ENOENT;
	parent = machine->memcgs[parent_id(id)];
	if (!parent || memcg_is_dying(parent))
		goto unlock;
	ret = -ENOMEM;
	memcg = kmem_cache_alloc(&machine->memcg_cache, GFP_KERNEL);
	if (!memcg)
		goto unlock;
	css_init(memcg, id, parent);
	if (mem_cgroup_css_alloc(memcg, false)) {
		kmem_cache_free(&machine->memcg_cache, memcg);
		goto unlock;
	}
	css_get(parent);
	parent->children++;
	rcu_assign_pointer(machine->memcgs[id], memcg);
	ret = 0;
unlock:
	mutex_unlock(&machine->cgroup_mutex);
	return ret;
}

/* cgroup_attach_task(), cgroup_move_task() - v7.1. Fidelity: adapted: an mm has no owner, and stands for its task. cgroup_mutex is held. */
static void css_set_move_mm(struct mm_struct *mm, struct mem_cgroup *to)
{
	struct mem_cgroup *from = mm->memcg;

	css_get(to);
	rcu_assign_pointer(mm->memcg, to);
	css_put(from);
}

int cgroup_attach_mm(struct mm_struct *mm, unsigned int id)
{
	struct mem_cgroup *from, *to;
	int ret = -ENOENT;

	mutex_lock(&machine->cgroup_mutex);
	from = mm->memcg;
	to = machine->memcgs[id];
	if (to && !memcg_is_dying(to) && to != from) {
		css_get(from);
		css_get(to);
		css_set_move_mm(mm, to);
		ret = 0;
	}
	mutex_unlock(&machine->cgroup_mutex);
	if (ret)
		return ret;
	if (!generation_at_least(GENERATION_V6_18))
		mem_cgroup_move_charge(mm, from, to);
	css_put(to);
	css_put(from);
	return 0;
}

/* A cgroup with processes cannot be removed; whoever wants to moves them first. cgroup_mutex is held. */
static void cgroup_evacuate(struct mem_cgroup *memcg)
{
	for (unsigned int slot = 0; slot < NR_MMS; slot++) {
		struct mm_struct *mm;

		spin_lock(&machine->mmlist_lock);
		mm = machine->mms[slot];
		if (mm && mm->memcg == memcg)
			css_set_move_mm(mm, parent_mem_cgroup(memcg));
		spin_unlock(&machine->mmlist_lock);
	}
}

/* cgroup_destroy_locked(), kill_css() - v7.1. Fidelity: same. cgroup_mutex is held. */
static int cgroup_destroy_locked(struct mem_cgroup *memcg)
{
	if (!memcg)
		return -ENOENT;
	if (memcg_is_dying(memcg) || memcg->children)
		return -EBUSY;
	cgroup_evacuate(memcg);
	plain_write_racy(memcg->dying, true);
	return 0;
}

/* offline_css() - v7.1. Fidelity: same. cgroup_mutex is held. */
static void offline_css(struct mem_cgroup *memcg)
{
	mem_cgroup_css_offline(memcg);
	plain_write_racy(memcg->online, false);
	parent_mem_cgroup(memcg)->children--;
}

/*
 * cgroup_rmdir(), css_killed_work_fn() - v7.1. Fidelity: adapted: the caller waits for the work. When the reference count
 * is confirmed to be killed, a grace period has passed since the cgroup was marked.
 */
int cgroup_rmdir(unsigned int id)
{
	struct mem_cgroup *memcg;
	int ret;

	if (!id)
		return -EBUSY;
	mutex_lock(&machine->cgroup_mutex);
	memcg = machine->memcgs[id];
	ret = cgroup_destroy_locked(memcg);
	mutex_unlock(&machine->cgroup_mutex);
	if (ret)
		return ret;

	synchronize_rcu();

	mutex_lock(&machine->cgroup_mutex);
	offline_css(memcg);
	rcu_assign_pointer(machine->memcgs[id], NULL);
	mutex_unlock(&machine->cgroup_mutex);
	css_put(memcg);
	return 0;
}

void cgroups_boot(unsigned int memcgs)
{
	mutex_init(&machine->cgroup_mutex);
	spin_lock_init(&machine->objcg_lock);
	kmem_cache_init_pool(&machine->memcg_cache, "mem_cgroup", sizeof(struct mem_cgroup), machine->memcg_pool, NR_MEMCG_POOL);
	kmem_cache_init_pool(&machine->objcg_cache, "obj_cgroup", sizeof(struct obj_cgroup), machine->objcg_pool,
			     NR_MEMCG_POOL * NR_NODES);
	kmem_cache_init_pool(&machine->list_lru_cache, "list_lru_memcg", sizeof(struct list_lru_memcg), machine->list_lru_pool,
			     NR_MEMCG_POOL);
	for (unsigned int id = 0; id < NR_MEMCGS; id++) {
		struct mem_cgroup *memcg = NULL;

		if (memcgs && id <= memcgs) {
			struct mem_cgroup *parent = id ? machine->memcgs[parent_id(id)] : NULL;

			memcg = kmem_cache_alloc_boot(&machine->memcg_cache);
			css_init(memcg, id, parent);
			mem_cgroup_css_alloc(memcg, true);
			if (parent) {
				parent->css_refcnt.counter++;
				parent->children++;
			}
		}
		machine->memcgs[id] = memcg;
	}
}
